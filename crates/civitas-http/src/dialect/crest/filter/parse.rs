//! From text to filter. Keywords and operators stand in any letter case.

use serde_json::Number;

use super::{Filter, Literal, MAX_DEPTH, MAX_LEAVES, MAX_TEXT, Operator, Unreadable};
use crate::dialect::crest::pointer::Pointer;

use Unreadable::Malformed;

pub(super) fn filter(text: &str) -> Result<Filter, Unreadable> {
    if text.len() > MAX_TEXT {
        return Err(Malformed);
    }
    let mut reader = Reader {
        rest: text,
        depth: 0,
        leaves: 0,
    };
    let filter = reader.or()?;
    match reader.next()? {
        None => Ok(filter),
        Some(_) => Err(Malformed),
    }
}

/// A piece of the text.
#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    /// Up to a blank or a parenthesis.
    Word(&'t str),
    /// Between quotes, which are off.
    Quoted(String),
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
    leaves: usize,
}

impl<'t> Reader<'t> {
    fn or(&mut self) -> Result<Filter, Unreadable> {
        let first = self.and()?;
        let mut parts = vec![first];
        while self.takes("or") {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, Unreadable> {
        let first = self.not()?;
        let mut parts = vec![first];
        while self.takes("and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn not(&mut self) -> Result<Filter, Unreadable> {
        if !self.takes("!") {
            return self.primary();
        }
        let inner = self.deeper(Self::primary)?;
        Ok(Filter::Not(Box::new(inner)))
    }

    fn primary(&mut self) -> Result<Filter, Unreadable> {
        match self.next()?.ok_or(Malformed)? {
            Token::Open => {
                let inner = self.deeper(Self::or)?;
                match self.next()? {
                    Some(Token::Close) => Ok(inner),
                    _ => Err(Malformed),
                }
            }
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Filter::Constant(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Filter::Constant(false)),
            Token::Word(word) => self.leaf(word),
            Token::Close | Token::Quoted(_) => Err(Malformed),
        }
    }

    fn leaf(&mut self, word: &str) -> Result<Filter, Unreadable> {
        self.leaves += 1;
        let pointer = Pointer::parse(word).ok_or(Malformed)?;
        if self.leaves > MAX_LEAVES || pointer.names().is_empty() {
            return Err(Malformed);
        }
        let Some(Token::Word(word)) = self.next()? else {
            return Err(Malformed);
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(pointer));
        }
        let extended = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if !word.bytes().all(extended) {
            return Err(Malformed);
        }
        let literal = self.literal()?;
        let mut known = Operator::ALL.into_iter();
        if let Some(operator) = known.find(|it| it.keyword().eq_ignore_ascii_case(word)) {
            return Ok(Filter::Compare(pointer, operator, literal));
        }
        match literal {
            Literal::Text(list) if word.eq_ignore_ascii_case("in") => {
                let values: Vec<String> = serde_json::from_str(&list).map_err(|_| Malformed)?;
                let most = MAX_LEAVES;
                let values = Some(values).filter(|it| it.len() <= most);
                Ok(Filter::In(pointer, values.ok_or(Malformed)?))
            }
            _ => Err(Unreadable::Operator(word.to_owned())),
        }
    }

    fn literal(&mut self) -> Result<Literal, Unreadable> {
        match self.next()?.ok_or(Malformed)? {
            Token::Quoted(text) => Ok(Literal::Text(text)),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            Token::Word(word) => number(word).map(Literal::Number).ok_or(Malformed),
            Token::Open | Token::Close => Err(Malformed),
        }
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Filter, Unreadable>,
    ) -> Result<Filter, Unreadable> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Malformed);
        }
        let inner = read(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    /// Whether the word comes next; it is taken then.
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_ascii_start();
        let end = end_of_word(rest);
        if !rest[..end].eq_ignore_ascii_case(word) {
            return false;
        }
        self.rest = &rest[end..];
        true
    }

    fn next(&mut self) -> Result<Option<Token<'t>>, Unreadable> {
        let rest = self.rest.trim_ascii_start();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let (token, end) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            quote @ ('"' | '\'') => {
                let (text, end) = quoted(&rest[1..], quote).ok_or(Malformed)?;
                (Token::Quoted(text), end + 1)
            }
            _ => {
                let end = end_of_word(rest);
                (Token::Word(&rest[..end]), end)
            }
        };
        self.rest = &rest[end..];
        Ok(Some(token))
    }
}

fn one_or(mut parts: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

fn end_of_word(text: &str) -> usize {
    let ends = |letter: char| letter.is_ascii_whitespace() || letter == '(' || letter == ')';
    text.find(ends).unwrap_or(text.len())
}

/// What stands before the closing quote, and the place after it. A backslash takes the next
/// letter as it is.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => inner.push(letters.next()?.1),
            letter if letter == quote => return Some((inner, at + 1)),
            letter => inner.push(letter),
        }
    }
    None
}

fn number(word: &str) -> Option<Number> {
    let shaped = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !shaped {
        return None;
    }
    if word.contains('.') {
        Number::from_f64(word.parse().ok()?)
    } else {
        word.parse::<i64>().ok().map(Number::from)
    }
}
