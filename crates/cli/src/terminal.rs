//! What the terminal may see. Names and messages come from others; a control character among
//! them could repaint the screen and make a person approve what they did not read.

use std::io::{self, BufRead, IsTerminal, Write};

/// Longest text shown of what others wrote.
const SHOWN_CHARS_MAX: usize = 400;

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

/// Replaces the last line on the terminal; a terminal that is gone is no reason to stop.
pub fn redraw(line: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r\u{1b}[2K{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

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
