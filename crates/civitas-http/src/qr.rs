//! QR codes (ISO/IEC 18004) as images, and what is written into those that set up devices.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, Crc, write::ZlibEncoder};
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules without ink around a code.
const QUIET: i32 = 4;

/// Pixels of a module, each way.
const SCALE: i32 = 4;

/// The code of a text as an image of PNG (RFC 2083) in black and white; `None` of a text that is too
/// long for any.
pub(crate) fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let modules = code.size() + 2 * QUIET;
    let side = u32::try_from(modules * SCALE).ok()?;
    let mut header = Vec::new();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    // One bit of grey, deflated, no interlacing.
    header.extend([1, 0, 0, 0, 0]);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..modules * SCALE {
        rows.write_all(&row(&code, y / SCALE - QUIET)).ok()?;
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [
        (b"IHDR", header),
        (b"IDAT", rows.finish().ok()?),
        (b"IEND", Vec::new()),
    ] {
        add_chunk(&mut png, *name, &data)?;
    }
    Some(png)
}

/// A row of pixels, unfiltered: a set bit is white.
fn row(code: &QrCode, y: i32) -> Vec<u8> {
    let modules = code.size() + 2 * QUIET;
    let mut row = vec![0_u8];
    let (mut byte, mut held) = (0_u8, 0);
    for x in 0..modules * SCALE {
        let is_white = !code.get_module(x / SCALE - QUIET, y);
        byte = byte << 1 | u8::from(is_white);
        held += 1;
        if held == 8 {
            row.push(byte);
            (byte, held) = (0, 0);
        }
    }
    if held > 0 {
        row.push(byte << (8 - held));
    }
    row
}

fn add_chunk(png: &mut Vec<u8>, name: [u8; 4], data: &[u8]) -> Option<()> {
    png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(data);
    png.extend(name);
    png.extend(data);
    png.extend(sum.sum().to_be_bytes());
    Some(())
}

/// Percent-encoded but for what is unreserved (RFC 3986 §2.3).
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // A text takes whatever is written.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn an_image_shows_the_code() {
        let png = png("otpauth://totp/a?secret=AB").unwrap();
        assert_eq!(&png[12..16], b"IHDR");
        // Of the level L, the second size holds 32 octets.
        let side = usize::try_from((25 + 2 * QUIET) * SCALE).unwrap();
        assert_eq!(&png[16..20], &u32::try_from(side).unwrap().to_be_bytes());
        let length = u32::from_be_bytes(png[33..37].try_into().unwrap()) as usize;
        let mut rows = Vec::new();
        let mut data = ZlibDecoder::new(&png[41..41 + length]);
        data.read_to_end(&mut rows).unwrap();
        let bytes = 1 + side.div_ceil(8);
        assert_eq!(rows.len(), side * bytes);
        let is_black = |x: i32, y: i32| {
            let (x, y) = (
                usize::try_from((x + QUIET) * SCALE).unwrap(),
                usize::try_from((y + QUIET) * SCALE).unwrap(),
            );
            rows[y * bytes + 1 + x / 8] >> (7 - x % 8) & 1 == 0
        };
        // The corner of the finder pattern.
        assert!(is_black(0, 0) && is_black(6, 0) && is_black(3, 3));
        assert!(!is_black(1, 1) && !is_black(-1, 0) && !is_black(7, 0));
        assert!(super::png(&"x".repeat(5_000)).is_none());
    }
}
