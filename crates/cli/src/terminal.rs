//! What the terminal may see. Names and messages come from others; a control character among
//! them could repaint the screen and make a person approve what they did not read.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest text shown of what others wrote.
const SHOWN_CHARS_MAX: usize = 400;
/// Longest secret that is typed.
const SECRET_BYTES_MAX: usize = 256;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;

/// One line of somebody else's words: control characters, line breaks and marks that turn the
/// direction of writing become U+FFFD, and it ends somewhere.
pub fn harmless(words: &str) -> String {
    words
        .chars()
        .take(SHOWN_CHARS_MAX)
        .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A document of several lines that is ours but for the values in it.
pub fn harmless_document(document: &str) -> String {
    document.chars().map(|c| if c != '\n' && is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a person can answer questions.
pub fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Whether a person watches what is told.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether a person, not a file or program, sees the data.
pub fn shows_data() -> bool {
    io::stdout().is_terminal()
}

/// Asks a question and waits for a line; `None` at the end of input.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    redraw(question);
    let mut line = String::new();
    let octets = io::stdin().lock().read_line(&mut line)?;
    Ok((octets > 0).then(|| line.trim().to_lowercase()))
}

/// Asks for a secret, which the terminal does not show; where there is no terminal, reads a line
/// of standard input. `None`: there is none, or the person left.
pub fn ask_secret(question: &str) -> io::Result<Option<Zeroizing<String>>> {
    if !can_ask() {
        let mut line = Zeroizing::new(String::new());
        let octets = io::stdin().lock().read_line(&mut line)?;
        let typed = line.trim_end_matches(['\r', '\n']).to_owned();
        return Ok((octets > 0).then(|| Zeroizing::new(typed)));
    }
    // Silent before it asks: nothing typed meanwhile is shown or lost.
    let _silent = Silence::begin()?;
    redraw(question);
    let typed = type_blindly(io::stdin().lock());
    redraw("");
    typed
}

/// Reads what is typed, key by key: nobody else looks after backspace and Ctrl-C meanwhile.
fn type_blindly(keys: impl BufRead) -> io::Result<Option<Zeroizing<String>>> {
    let mut typed = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX));
    for key in keys.bytes() {
        match key? {
            b'\n' | b'\r' => {
                let text = String::from_utf8(std::mem::take(&mut *typed));
                return text.map(|text| Some(Zeroizing::new(text))).map_err(io::Error::other);
            }
            CTRL_C | CTRL_D => return Ok(None),
            0x08 | 0x7f => while typed.pop().is_some_and(|octet| octet & 0xc0 == 0x80) {},
            _ if typed.len() == SECRET_BYTES_MAX => {}
            octet => typed.push(octet),
        }
    }
    Ok(None)
}

/// A terminal that shows nothing of what is typed, and where Ctrl-C is a key like others, so that
/// it is never left like that.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Replaces the last line on the terminal; a terminal that is gone is no reason to stop.
pub fn redraw(line: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r\u{1b}[2K{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_typed_with_backspace_and_can_be_left() {
        let typed = |keys: &str| type_blindly(keys.as_bytes()).unwrap();
        let read = |keys: &str| typed(keys).map(|it| it.as_str().to_owned());
        assert_eq!(read("8421\n").unwrap(), "8421");
        assert_eq!(read("84\u{7f}\u{8}\u{7f}grün\u{7f}\u{7f}ün\r").unwrap(), "grün");
        assert_eq!(read("84\u{3}21\n"), None);
        assert_eq!(read("84\u{4}"), None);
        assert_eq!(read("84"), None, "the terminal is gone");
        assert_eq!(read(&format!("{}\n", "x".repeat(9999))).unwrap().len(), SECRET_BYTES_MAX);
    }

    #[test]
    fn what_could_repaint_the_screen_is_replaced() {
        assert_eq!(harmless("Müller & Söhne – 日本"), "Müller & Söhne – 日本");
        for bad in ["\u{1b}[2J", "a\nb", "a\rb", "\u{9b}1m", "\u{202e}abc", "\u{7f}", "\u{2066}"] {
            let shown = harmless(bad);
            assert!(shown.contains('\u{fffd}'), "{bad:?}");
            assert!(!shown.chars().any(is_harmful), "{bad:?}");
        }
        assert_eq!(harmless_document("{\n  \"a\u{1b}\"\n}"), "{\n  \"a\u{fffd}\"\n}");
        assert_eq!(harmless(&"x".repeat(5000)).len(), SHOWN_CHARS_MAX);
    }
}
