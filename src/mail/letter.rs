//! One mail, with headers that nobody can break out of.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use entity::notification::MailErrorCode as Code;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use crate::domain::notification::mail::Failure;

/// The most characters of a subject, or of a name.
pub const LONGEST_LINE: usize = 200;

/// Who mails come from.
#[derive(Clone, Debug)]
pub struct Sender(Mailbox);

impl Sender {
    /// Reads `Guichet <guichet@contoso.example>`, or the address alone.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("must be on one line".to_owned());
        }
        text.trim()
            .parse()
            .map(Self)
            .map_err(|_| "must be an address such as Guichet <guichet@contoso.example>".to_owned())
    }

    /// The domain of its address: `Message-ID`s end with it, and the mail server is greeted in its name.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// One mail.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What its `Message-ID` is made of: the same at every attempt.
    pub id: String,
    /// When it was written: its `Date`, the same at every attempt.
    pub at: DateTime<Utc>,
    /// The receiver's name.
    pub name: String,
    /// The receiver's address.
    pub address: String,
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

impl Letter {
    /// The message, ready to be sent.
    pub fn message(&self, from: &Sender) -> Result<Message, Failure> {
        let failed = |code, message: &str| Failure { code, status: None, message: message.to_owned() };
        let address: Address = self.address.parse().map_err(|_| {
            failed(Code::BadAddress, "The receiver's address is not one that mail can be sent to.")
        })?;
        let name = Some(one_line(&self.name, LONGEST_LINE)).filter(|name| !name.is_empty());
        let builder = Message::builder()
            .from(from.0.clone())
            .to(Mailbox::new(name, address))
            .subject(one_line(&self.subject, LONGEST_LINE))
            .date(SystemTime::from(self.at))
            .message_id(Some(format!("<{}@{}>", self.id, from.domain())))
            // Nobody answers by a machine (RFC 3834 §5).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        builder
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
            .map_err(|_| failed(Code::Internal, "The mail could not be put together."))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A text on one line: what is no visible character becomes a space, and what is too long is cut.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let hidden = |character: char| {
        character.is_control() || matches!(character, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let visible: String =
        text.chars().map(|character| if hidden(character) { ' ' } else { character }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sender() -> Sender {
        Sender::parse("Guichet <guichet@contoso.example>").unwrap()
    }

    fn letter(name: &str, address: &str, subject: &str) -> Letter {
        Letter {
            id: "ntf_1".to_owned(),
            at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            name: name.to_owned(),
            address: address.to_owned(),
            subject: subject.to_owned(),
            text: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
        }
    }

    /// The names of the headers, with folded lines as part of the line before.
    fn headers(message: &Message) -> Vec<String> {
        let formatted = String::from_utf8(message.formatted()).unwrap();
        let head = formatted.split("\r\n\r\n").next().unwrap();
        assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{head:?}");
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split_once(':').unwrap_or_else(|| panic!("{line:?}")).0.to_owned()).collect()
    }

    const HEADERS: [&str; 8] =
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"];

    /// Text with more line ends and header-like parts than chance would give.
    fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("\r\n".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("\u{2028}".to_owned()),
            Just("\u{0}".to_owned()),
            Just("Bcc: eve@evil.example".to_owned()),
            Just("\r\n\r\n<script>".to_owned()),
            Just("=?utf-8?B?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=".to_owned()),
            Just("\"<>,;:@ ".to_owned()),
            any::<String>(),
            "[ -~]{0,90}",
        ];
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    #[test]
    fn what_identifies_a_mail_is_the_same_at_every_attempt() {
        let one = |message: Message| {
            let raw = message.headers();
            ["Message-ID", "Date", "Auto-Submitted"].map(|name| raw.get_raw(name).unwrap().to_owned())
        };
        let letter = letter("Karim", "karim@contoso.example", "Hello");
        let first = one(letter.message(&sender()).unwrap());
        assert_eq!(first, one(letter.message(&sender()).unwrap()));
        assert_eq!(first, ["<ntf_1@contoso.example>", "Tue, 14 Nov 2023 22:13:20 +0000", "auto-generated"]);
    }

    #[test]
    fn an_address_that_is_none_is_not_sent_to() {
        for address in [
            "",
            "karim",
            "karim@",
            "@contoso.example",
            "a@b\r\nRCPT TO:<eve@evil.example>",
            "a b@c",
            "<a@b.example>",
        ] {
            let refused = letter("Karim", address, "Hello").message(&sender()).unwrap_err();
            assert_eq!(refused.code, Code::BadAddress, "{address:?}");
            assert!(address.is_empty() || !refused.message.contains(address));
        }
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(one_line(" a\r\n\tb ", 10), "a b");
        assert_eq!(one_line("éééé", 3), "ééé…");
        assert_eq!(one_line("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn no_subject_and_no_name_become_a_header(name in hostile(), subject in hostile()) {
            let message = letter(&name, "karim@contoso.example", &subject).message(&sender()).unwrap();
            let mut found = headers(&message);
            found.sort_unstable();
            let mut expected = HEADERS.map(str::to_owned);
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
            let envelope = message.envelope();
            let to: Vec<String> = envelope.to().iter().map(ToString::to_string).collect();
            prop_assert_eq!(to, ["karim@contoso.example"]);
        }

        #[test]
        fn an_address_is_one_receiver_or_none(address in hostile(), local in "[a-z.+\"\\\\ \r\n]{0,12}", domain in "[a-z.\r\n>]{0,12}") {
            for address in [address, format!("{local}@{domain}")] {
                if let Ok(message) = letter("Karim", &address, "Hello").message(&sender()) {
                    let to: Vec<String> = message.envelope().to().iter().map(ToString::to_string).collect();
                    prop_assert_eq!(to.len(), 1);
                    prop_assert!(!to[0].contains(['\r', '\n', '<', '>']), "{to:?}");
                    prop_assert_eq!(headers(&message).len(), HEADERS.len());
                }
            }
        }

        #[test]
        fn a_line_has_no_line_ends(text in hostile(), most in 1usize..300) {
            let line = one_line(&text, most);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= most + 1);
        }
    }
}
