//! Base64url as JOSE means it: one spelling per value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// Encodes without padding (RFC 7515 §2).
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the one canonical spelling (RFC 7515 §2).
///
/// # Errors
/// [`Error::Base64`] for padding, white space, the standard alphabet, or non-zero unused bits:
/// two spellings of one token would be two entries in a replay cache.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, Error> {
    // The engine refuses padding and trailing bits; the tests below hold it to that.
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_is_accepted() {
        let table: [(&str, Result<&[u8], Error>); 13] = [
            ("", Ok(b"")),
            ("Zg", Ok(b"f")),
            ("Zm8", Ok(b"fo")),
            ("-_-_", Ok(&[0xfb, 0xff, 0xbf])),
            ("Zg==", Err(Error::Base64)),
            ("Zg=", Err(Error::Base64)),
            ("Zh", Err(Error::Base64)),
            ("Zm9", Err(Error::Base64)),
            ("+/+/", Err(Error::Base64)),
            ("Z", Err(Error::Base64)),
            (" Zg", Err(Error::Base64)),
            ("Z\ng", Err(Error::Base64)),
            ("Zg?", Err(Error::Base64)),
        ];
        for (text, expected) in table {
            assert_eq!(base64url_decode(text), expected.map(<[u8]>::to_vec), "{text:?}");
        }
    }

    #[test]
    fn encoding_has_no_padding() {
        assert_eq!(base64url_encode(b"f"), "Zg");
        assert_eq!(base64url_encode(&[0xfb, 0xff]), "-_8");
    }
}
