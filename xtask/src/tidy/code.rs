//! Rust source without what only looks like code.

/// `source` with comments and the insides of literals as spaces. Lines keep
/// their numbers.
pub(super) fn only(source: &str) -> String {
    let mut rest = source;
    let mut out = String::with_capacity(source.len());
    while let Some(first) = rest.chars().next() {
        let after_word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (blank, length) = match blank_length(rest, after_word) {
            Some(length) => (true, length),
            None => (false, first.len_utf8()),
        };
        let (taken, left) = rest.split_at(length);
        if blank {
            out.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(taken);
        }
        rest = left;
    }
    out
}

/// Length of the comment or literal that `text` begins with.
fn blank_length(text: &str, after_word: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if let Some(inside) = text.strip_prefix('\'') {
        // A lifetime or label has no closing quote right after one character.
        let mut chars = inside.chars();
        let (one, two) = (chars.next()?, chars.next()?);
        return (one == '\\' || two == '\'').then(|| quoted(text, '\''));
    }
    // `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`, but not an identifier ending in `r`.
    if after_word {
        return None;
    }
    let raw = text
        .strip_prefix(['b', 'c'])
        .unwrap_or(text)
        .strip_prefix('r')?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let inside = raw[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside
        .find(&close)
        .map_or(inside.len(), |at| at + close.len());
    Some(text.len() - inside.len() + end)
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_u32);
    while at < text.len() {
        let bytes = &text.as_bytes()[at..];
        if bytes.starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes.starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */\n d */ e", "a             \n      e"),
            (r#"f("x\"y") + 1"#, "f(      ) + 1"),
            (r##"f(r#"x"y"#, br"z")"##, "f(        ,      )"),
            ("var\"x\"", "var   "),
            ("<'a>('b', '\\'', 'é')", "<'a>(   ,     ,    )".trim_end()),
            ("'outer: loop {}", "'outer: loop {}"),
        ] {
            assert_eq!(only(source).trim_end(), code.trim_end(), "{source}");
        }
    }
}
