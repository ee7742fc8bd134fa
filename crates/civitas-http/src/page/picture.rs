//! QR codes as vectors.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use serde::Serialize;

/// Modules without ink around a code (ISO/IEC 18004).
const QUIET: i32 = 4;

/// A code as an image of SVG.
#[derive(Debug, Serialize)]
pub(super) struct Picture {
    /// What is seen of the plane.
    #[serde(rename = "box")]
    pub(super) view: String,
    /// What is black.
    pub(super) path: String,
}

/// The code of a text; `None` of one that is too long for any.
pub(super) fn of(text: &str) -> Option<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            // A text takes whatever is written.
            let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    let whole = size + 2 * QUIET;
    Some(Picture {
        view: format!("0 0 {whole} {whole}"),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_as_large_as_its_text_needs() {
        // Of the level M, the second size holds 26 octets.
        let picture = of("otpauth://totp/a?secret=AB").unwrap();
        assert_eq!(picture.view, "0 0 33 33");
        let larger = of("otpauth://totp/a?secret=ABC").unwrap();
        assert_eq!(larger.view, "0 0 37 37");
        // The corner of the finder pattern.
        assert!(picture.path.starts_with("M4,4h1v1h-1zM5,4h1v1h-1z"));
        assert!(of(&"x".repeat(5_000)).is_none());
    }
}
