//! Requests in words.

use crate::phone::client::Request;
use crate::terminal::{harmless, harmless_document};

/// A request as the person reads it before answering.
pub fn question(request: &Request) -> String {
    let mut lines = vec![String::new(), format!("{} asks:", harmless(&request.application.name))];
    for detail in &request.authorization_details {
        // Nobody approves what is cut off: all of it, within the server's bounds.
        let mut words = detail.text.lines().map(harmless_document);
        lines.push(format!("  * {}", words.next().unwrap_or_default()));
        lines.extend(words.map(|line| format!("    {line}")));
        let whole = harmless_document(&detail.detail.to_string());
        lines.push(format!("    All that it says: {whole}"));
    }
    for scope in &request.scopes {
        lines.push(format!("  - {} ({})", harmless(&scope.description), harmless(&scope.name)));
    }
    if let Some(message) = &request.binding_message {
        lines.push(format!("  Message: {}", harmless(message)));
    }
    lines.push(format!("  Expires in {}", span(request.expires_in)));
    lines.join("\n")
}

/// A request in a few words.
pub fn brief(request: &Request) -> String {
    let name = harmless(&request.application.name);
    match &request.binding_message {
        Some(message) => format!("{name}, {}", harmless(message)),
        None => name,
    }
}

/// All that waits, as a table.
pub fn table(requests: &[Request]) -> String {
    let mut rows =
        vec![["REQUEST", "APPLICATION", "SCOPES", "MESSAGE", "EXPIRES"].map(String::from)];
    for request in requests {
        let scopes: Vec<&str> = request.scopes.iter().map(|scope| scope.name.as_str()).collect();
        rows.push([
            harmless(&request.id),
            harmless(&request.application.name),
            harmless(&scopes.join(" ")),
            request.binding_message.as_deref().map_or_else(|| String::from("-"), harmless),
            format!("in {}", span(request.expires_in)),
        ]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 5]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn span(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::client::{Detail, Named, Scope};

    fn request() -> Request {
        Request {
            id: String::from("0197"),
            application: Named { name: String::from("Corner\u{1b}[2J Shop") },
            scopes: vec![
                Scope {
                    name: String::from("openid"),
                    description: String::from("Know who you are"),
                },
                Scope { name: String::from("payments:write"), description: String::from("Pay") },
            ],
            authorization_details: Vec::new(),
            number_matching: None,
            binding_message: Some(String::from("PAY-4711")),
            expires_in: 119,
            expires_at: String::new(),
        }
    }

    #[test]
    fn a_request_is_shown_in_words_and_harmlessly() {
        assert_eq!(
            question(&request()),
            "\nCorner\u{fffd}[2J Shop asks:\n  - Know who you are (openid)\n  \
             - Pay (payments:write)\n  Message: PAY-4711\n  Expires in 119 s"
        );
    }

    #[test]
    fn what_is_asked_for_in_detail_comes_first_and_whole() {
        let detail = Detail {
            kind: String::from("payment"),
            text: String::from("Pay 1 EUR\nFor: \u{1b}[2J"),
            detail: serde_json::json!({ "type": "payment", "amount": "1" }),
        };
        let detailed = Request { authorization_details: vec![detail], ..request() };
        assert_eq!(
            question(&detailed).lines().skip(2).take(4).collect::<Vec<_>>(),
            [
                "  * Pay 1 EUR",
                "    For: \u{fffd}[2J",
                "    All that it says: {\"amount\":\"1\",\"type\":\"payment\"}",
                "  - Know who you are (openid)",
            ]
        );
    }

    #[test]
    fn a_table_has_columns() {
        let other = Request { binding_message: None, expires_in: 600, ..request() };
        assert_eq!(
            table(&[request(), other]),
            "REQUEST  APPLICATION      SCOPES                 MESSAGE   EXPIRES\n\
             0197     Corner\u{fffd}[2J Shop  openid payments:write  PAY-4711  in 119 s\n\
             0197     Corner\u{fffd}[2J Shop  openid payments:write  -         in 10 min"
        );
    }
}
