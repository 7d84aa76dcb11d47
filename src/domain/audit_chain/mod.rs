//! The hash chain of each organization's audit trail: what makes it show when somebody changes it.
//!
//! Every event has a number and the SHA-256 of its [`form`], in which the hash of the event before it stands.
//! Whoever alters, removes or inserts an event breaks the chain there, or must seal everything after it anew, which
//! shows when a head was kept elsewhere. `docs/audit.md` says it for those who check.

pub mod export;
pub mod form;
pub mod seal;
pub mod verify;

use std::fmt;
use std::str::FromStr;

use entity::audit_chain;

/// The number and the hash of an event, as text `sequence:hash`: of the last one, it stands for the whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number, from 1.
    pub sequence: i64,
    /// The hash, in 64 hexadecimal digits.
    pub hash: String,
}

impl From<&audit_chain::Model> for Head {
    fn from(chain: &audit_chain::Model) -> Self {
        Self { sequence: chain.sequence, hash: chain.hash.clone() }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

/// A text that is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected sequence:hash, a number from 1 and 64 hexadecimal digits, as `guichet audit verify` prints them"
)]
pub struct NoHead;

impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (sequence, hash) = text.trim().split_once(':').ok_or(NoHead)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = sequence.bytes().all(|byte| byte.is_ascii_digit());
        let sequence = sequence.parse().ok().filter(|sequence| *sequence >= 1 && is_number && is_hash);
        Ok(Self { sequence: sequence.ok_or(NoHead)?, hash: hash.to_ascii_lowercase() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { sequence: 12, hash: "0a".repeat(32) };
        assert_eq!(head.to_string().parse(), Ok(head.clone()));
        assert_eq!(format!(" 12:{}\n", "0A".repeat(32)).parse(), Ok(head));
        let hash = "0a".repeat(32);
        for text in
            ["", "12", "12:", ":", &hash, &format!("0:{hash}"), &format!("-1:{hash}"), &format!("+1:{hash}")]
        {
            assert_eq!(text.parse::<Head>(), Err(NoHead), "{text}");
        }
        for text in [
            format!("1:{}", &hash[1..]),
            format!("1:{hash}0"),
            format!("1:{}x", &hash[1..]),
            format!("99999999999999999999:{hash}"),
        ] {
            assert_eq!(text.parse::<Head>(), Err(NoHead), "{text}");
        }
    }
}
