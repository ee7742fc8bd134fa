//! Markup that texts may have: elements and attributes of a list, and nothing else.

/// Elements.
const ELEMENTS: &str = " span strong em b i u s mark small sub sup abbr cite q time data bdi bdo ins del \
code kbd samp var pre p blockquote h1 h2 h3 h4 h5 h6 hgroup div header footer main article section \
aside nav address ul ol li dl dt dd menu table thead tbody tfoot tr th td caption colgroup col \
figure figcaption picture hr br wbr ruby rt rp rb rtc details summary progress meter a font ";

/// Attributes of all elements.
const COMMON: [&str; 5] = [
    "id",
    "class",
    "data-safermailto-subject",
    "data-safermailto-recipient",
    "data-safermailto-domain",
];

/// Attributes of some.
const OF: [(&str, &str); 20] = [
    ("abbr", "title"),
    ("time", "datetime"),
    ("ins", "datetime"),
    ("del", "datetime"),
    ("blockquote", "cite"),
    ("q", "cite"),
    ("data", "value"),
    ("bdo", "dir"),
    ("bdi", "dir"),
    ("ol", "start type reversed"),
    ("li", "value"),
    ("th", "colspan rowspan scope headers abbr"),
    ("td", "colspan rowspan scope headers"),
    ("col", "span"),
    ("colgroup", "span"),
    ("table", "summary"),
    ("details", "open"),
    ("progress", "value max"),
    ("meter", "value min max low high optimum"),
    ("font", "size color face"),
];

/// Whether all markup of a text is of the list.
pub(super) fn is_allowed(text: &str) -> bool {
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let Some(end) = end_of_tag(&rest[open + 1..]) else {
            return false;
        };
        if !is_tag(&rest[open + 1..open + 1 + end]) {
            return false;
        }
        rest = &rest[open + 1 + end + 1..];
    }
    true
}

/// Where the tag closes: not within a quoted value.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), it) if it == open => quote = None,
            _ => {}
        }
    }
    None
}

fn is_tag(tag: &str) -> bool {
    if let Some(name) = tag.strip_prefix('/') {
        return is_element(name.trim_end());
    }
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let end = tag.find(|it: char| it.is_whitespace()).unwrap_or(tag.len());
    let (name, attributes) = tag.split_at(end);
    is_element(name) && are_attributes(&name.to_ascii_lowercase(), attributes)
}

fn is_element(name: &str) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric());
    is_name && ELEMENTS.contains(&format!(" {} ", name.to_ascii_lowercase()))
}

fn are_attributes(element: &str, text: &str) -> bool {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let Some((quoted, left)) = quoted(after) else {
                return false;
            };
            value = quoted;
            rest = left.trim_start();
        }
        if name.is_empty() || !is_attribute(element, &name, value) {
            return false;
        }
    }
    true
}

/// A quoted value and what is left.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|it| "\"'".contains(*it))?;
    text[1..].split_once(quote)
}

fn is_attribute(element: &str, name: &str, value: &str) -> bool {
    if COMMON.contains(&name) {
        return true;
    }
    match (element, name) {
        ("a", "href") => is_reference(value),
        ("a", "target") => ["_blank", "_self", "_parent", "_top"].contains(&value),
        ("a", "rel") => {
            let is_part = |it: u8| it.is_ascii_alphabetic() || b" -".contains(&it);
            value.starts_with(|it: char| it.is_ascii_alphabetic()) && value.bytes().all(is_part)
        }
        ("bdo" | "bdi", "dir") => ["ltr", "rtl"].contains(&value),
        _ => {
            let mut known = OF.iter().filter(|(of, _)| *of == element);
            known.any(|(_, names)| names.split(' ').any(|it| it == name))
        }
    }
}

/// A reference with one of the schemes; entities could spell another.
fn is_reference(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    let schemes = ["http:", "https:", "mailto:", "ftp:"];
    schemes.iter().any(|it| lower.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn markup_of_the_list_is_taken_and_no_other() {
        for (text, is) in [
            ("plain text & more", true),
            ("a <b>c</b> <br/> <BR>", true),
            (
                "<a href=\"https://a.example/?x=1\" target='_blank' rel=\"noopener\">x</a>",
                true,
            ),
            ("<ol start=\"3\" reversed><li value='2'>x</li></ol>", true),
            (
                "<span class=\"a b\" data-safermailto-domain=\"x\">y</span>",
                true,
            ),
            ("<script>alert(1)</script>", false),
            ("<img src=x>", false),
            ("<a href=\"javascript:alert(1)\">x</a>", false),
            ("<a href=\"&#106;avascript:alert(1)\">x</a>", false),
            ("<a href=\"/x\">x</a>", false),
            ("<b onclick=\"x\">y</b>", false),
            ("<b style=\"x\">y</b>", false),
            ("<b", false),
            ("1 < 2", false),
            ("<a href=https://a.example>x</a>", false),
            ("<b title=\"x\">y</b>", false),
            ("<!-- x -->", false),
            ("<b/onclick=\"x\">", false),
            ("<a href=\"https://a.example/\"onclick=\"x\">y</a>", false),
            ("<bdo dir=\"up\">x</bdo>", false),
        ] {
            assert_eq!(is_allowed(text), is, "{text}");
        }
    }
}
