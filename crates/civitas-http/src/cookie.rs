//! Cookies that a request shows (RFC 6265 §4.2).

use http::{HeaderMap, header};

/// The value of the first cookie of that name, without the quotes around it.
pub(crate) fn shown<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    let fields = fields.filter_map(|it| it.to_str().ok());
    fields.flat_map(|it| it.split(';')).find_map(|pair| {
        let (own, value) = pair.trim().split_once('=')?;
        (own == name).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        for field in ["aa=1; b", "a=\"2\"; a=3"] {
            headers.append(header::COOKIE, field.parse().unwrap());
        }
        assert_eq!(shown(&headers, "a"), Some("2"));
        assert_eq!(shown(&headers, "aa"), Some("1"));
        assert_eq!(shown(&headers, "b"), None);
    }
}
