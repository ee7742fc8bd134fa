//! The grammar of filters (RFC 7644 §3.4.2.2, Figure 1, with errata 4690, 7319 and 7322).

use serde_json::Number;

use super::{Filter, Limits, Literal, Operator};
use crate::{
    Invalid,
    path::shown,
    path::{AttrPath, is_name},
};

/// Nesting is followed by recursion: whatever a caller configures, the stack stays small.
const HARD_DEPTH: usize = 128;

/// Parses a whole filter.
pub(super) fn filter(text: &str, limits: &Limits) -> Result<Filter, Invalid> {
    let mut parser = Parser::new(text, limits)?;
    parser.spaces();
    let filter = parser.or()?;
    parser.spaces();
    parser.end()?;
    Ok(filter)
}

/// The path of a PATCH operation: `attrPath [ "[" filter "]" [ "." sub ] ]` (RFC 7644
/// §3.5.2, Figure 7).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValuePath {
    /// What stands before the bracket.
    pub(crate) path: AttrPath,
    /// What stands in brackets.
    pub(crate) filter: Option<Filter>,
    /// The sub-attribute after the bracket.
    pub(crate) sub_attribute: Option<String>,
}

impl ValuePath {
    /// Parses a PATCH path; the error is of an unspecific kind.
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, Invalid> {
        let mut parser = Parser::new(text, limits)?;
        let path = parser.path()?;
        let filter = if parser.eat(b'[') {
            Some(parser.in_brackets()?)
        } else {
            None
        };
        let sub_attribute = if filter.is_some() && parser.eat(b'.') {
            Some(parser.sub_attribute()?)
        } else {
            None
        };
        parser.end()?;
        Ok(Self {
            path,
            filter,
            sub_attribute,
        })
    }
}

struct Parser<'s> {
    text: &'s str,
    at: usize,
    depth: usize,
    leaves: usize,
    in_brackets: bool,
}

impl<'s> Parser<'s> {
    fn new(text: &'s str, limits: &Limits) -> Result<Self, Invalid> {
        if text.len() > limits.text_bytes {
            return Err(Invalid::filter(format!(
                "the filter is longer than {} bytes",
                limits.text_bytes
            )));
        }
        Ok(Self {
            text,
            at: 0,
            depth: limits.depth.min(HARD_DEPTH),
            leaves: limits.leaves,
            in_brackets: false,
        })
    }

    fn or(&mut self) -> Result<Filter, Invalid> {
        self.chain("or", Self::and, Filter::Or)
    }

    fn and(&mut self) -> Result<Filter, Invalid> {
        self.chain("and", Self::factor, Filter::And)
    }

    fn chain(
        &mut self,
        connective: &str,
        part: fn(&mut Self) -> Result<Filter, Invalid>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, Invalid> {
        let first = part(self)?;
        if !self.connective(connective) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.connective(connective) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    /// Takes `SP word SP`, or nothing.
    fn connective(&mut self, word: &str) -> bool {
        let start = self.at;
        let taken = self.spaces() && self.word().eq_ignore_ascii_case(word) && self.spaces();
        if !taken {
            self.at = start;
        }
        taken
    }

    fn factor(&mut self) -> Result<Filter, Invalid> {
        if self.eat(b'(') {
            return self.group();
        }
        if self.negation() {
            return Ok(Filter::Not(Box::new(self.group()?)));
        }
        let path = self.path()?;
        if self.eat(b'[') {
            return self.value_path(path);
        }
        self.count_leaf()?;
        match self.operator()? {
            None => Ok(Filter::Present(path)),
            Some(operator) => Ok(Filter::Compare(path, operator, self.literal()?)),
        }
    }

    /// Takes `not (`, with or without spaces between, or nothing.
    fn negation(&mut self) -> bool {
        let start = self.at;
        let taken = self.word().eq_ignore_ascii_case("not") && {
            self.spaces();
            self.eat(b'(')
        };
        if !taken {
            self.at = start;
        }
        taken
    }

    /// What follows an opening parenthesis.
    fn group(&mut self) -> Result<Filter, Invalid> {
        self.nested(b')')
    }

    fn value_path(&mut self, path: AttrPath) -> Result<Filter, Invalid> {
        let inner = Box::new(self.in_brackets()?);
        if !self.eat(b'.') {
            return Ok(Filter::Element(path, inner));
        }
        let sub = self.sub_attribute()?;
        self.count_leaf()?;
        let (operator, literal) = match self.operator()? {
            // A value is present when it differs from null (S-7644-3.4.2.2-16).
            None => (Operator::Ne, Literal::Null),
            Some(operator) => (operator, self.literal()?),
        };
        Ok(Filter::ElementCompare(path, inner, sub, operator, literal))
    }

    /// What follows an opening bracket.
    fn in_brackets(&mut self) -> Result<Filter, Invalid> {
        if self.in_brackets {
            return Err(self.wrong("brackets within brackets"));
        }
        self.in_brackets = true;
        let inner = self.nested(b']')?;
        self.in_brackets = false;
        Ok(inner)
    }

    fn nested(&mut self, close: u8) -> Result<Filter, Invalid> {
        self.depth = match self.depth.checked_sub(1) {
            Some(depth) => depth,
            None => return Err(self.wrong("the filter is nested too deeply")),
        };
        self.spaces();
        let inner = self.or()?;
        self.spaces();
        if !self.eat(close) {
            return Err(self.wrong(&format!("expected {:?}", char::from(close))));
        }
        self.depth += 1;
        Ok(inner)
    }

    fn count_leaf(&mut self) -> Result<(), Invalid> {
        match self.leaves.checked_sub(1) {
            Some(leaves) => {
                self.leaves = leaves;
                Ok(())
            }
            None => Err(self.wrong("the filter has too many comparisons")),
        }
    }

    fn path(&mut self) -> Result<AttrPath, Invalid> {
        let text = self.until(b" \"()[]");
        if text.is_empty() {
            return Err(self.wrong("expected an attribute"));
        }
        AttrPath::parse(text).map_err(|error| Invalid::filter(error.detail))
    }

    fn sub_attribute(&mut self) -> Result<String, Invalid> {
        let text = self.until(b" \"()[]");
        if is_name(text) {
            Ok(text.to_owned())
        } else {
            Err(self.wrong("expected a sub-attribute"))
        }
    }

    /// `SP "pr"` (`None`), or `SP op` with the spaces that follow. They may be missing before
    /// a quoted literal (S-7644-3.4.2.2-31).
    fn operator(&mut self) -> Result<Option<Operator>, Invalid> {
        if !self.spaces() {
            return Err(self.wrong("expected an operator"));
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(None);
        }
        let Some(operator) = Operator::named(word) else {
            let unknown = format!("expected an operator, found {}", shown(word));
            return Err(self.wrong(&unknown));
        };
        if self.spaces() || self.peek() == Some(b'"') {
            Ok(Some(operator))
        } else {
            Err(self.wrong("expected a value"))
        }
    }

    fn literal(&mut self) -> Result<Literal, Invalid> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        let text = self.until(b" \"()[]");
        let literal = if text == "null" {
            Some(Literal::Null)
        } else if text.eq_ignore_ascii_case("true") {
            Some(Literal::Boolean(true))
        } else if text.eq_ignore_ascii_case("false") {
            Some(Literal::Boolean(false))
        } else {
            number(text).map(Literal::Number)
        };
        literal.ok_or_else(|| {
            self.wrong("expected a string in double quotes, a number, true, false or null")
        })
    }

    fn string(&mut self) -> Result<Literal, Invalid> {
        let rest = self.rest();
        let mut escaped = false;
        let close = rest.bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let Some(close) = close else {
            return Err(self.wrong("the string has no end"));
        };
        let quoted = &rest[..close + 2];
        let text = serde_json::from_str(quoted)
            .map_err(|_| self.wrong("the string is not a JSON string"))?;
        self.at += quoted.len();
        Ok(Literal::String(text))
    }

    fn end(&self) -> Result<(), Invalid> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("expected the end")),
        }
    }

    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Skips spaces; whether there were any.
    fn spaces(&mut self) -> bool {
        let start = self.at;
        while self.eat(b' ') {}
        self.at > start
    }

    fn word(&mut self) -> &'s str {
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Takes the text up to one of the delimiters, which are ASCII, or the end.
    fn until(&mut self, delimiters: &[u8]) -> &'s str {
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|byte| delimiters.contains(&byte))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn wrong(&self, what: &str) -> Invalid {
        Invalid::filter(format!("{what} (at byte {} of the filter)", self.at))
    }
}

/// A JSON number (RFC 8259 §6). Read by the standard library: printing it and reading it
/// again must give the same number, which a fast reader of JSON does not promise.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero =
        digits.len() > 1 && digits.starts_with('0') && { digits.as_bytes()[1].is_ascii_digit() };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|it| it.strip_prefix(['+', '-']).unwrap_or(it));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let well_formed = !leading_zero
        && all_digits(whole)
        && fraction.is_none_or(all_digits)
        && exponent.is_none_or(all_digits);
    if !well_formed {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Some(integer.into());
    }
    Number::from_f64(text.parse().ok()?)
}
