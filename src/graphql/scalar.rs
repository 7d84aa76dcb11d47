//! Scalars of our own.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;

use crate::secret::Secret;

/// A length of time in the form of ISO 8601 with days, hours, minutes and seconds,
/// for example `P14D` or `PT36H`. Months and years are not accepted: they have no
/// fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub TimeDelta);

impl Duration {
    /// A length of so many seconds.
    #[must_use]
    pub fn seconds(seconds: i64) -> Self {
        Self(TimeDelta::try_seconds(seconds).unwrap_or_default())
    }
}

/// A length of time in the form of ISO 8601 with days, hours, minutes and seconds, for example `P14D` or `PT36H`.
/// Months and years are not accepted: they have no fixed length.
#[Scalar(specified_by_url = "https://www.iso.org/standard/70907.html")]
impl ScalarType for Duration {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(text
                .parse()
                .map_err(|()| InputValueError::custom("is not a duration such as P14D, PT36H or P1DT30M"))?),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.num_seconds().max(0);
        let (days, rest) = (total / 86_400, total % 86_400);
        if total == 0 {
            return f.write_str("PT0S");
        }
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            f.write_str("T")?;
        }
        for (amount, unit) in [(rest / 3_600, 'H'), (rest % 3_600 / 60, 'M'), (rest % 60, 'S')] {
            if amount > 0 {
                write!(f, "{amount}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Duration {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix('P').ok_or(())?;
        let (date, time) = match rest.split_once('T') {
            Some((_, "")) => return Err(()),
            Some((date, time)) => (date, time),
            None => (rest, ""),
        };
        if date.is_empty() && time.is_empty() {
            return Err(());
        }
        let days = sum(date, &[('W', 604_800), ('D', 86_400)])?;
        let clock = sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
        let seconds = days.checked_add(clock).ok_or(())?;
        // A thousand years; more is a mistake, and keeps every sum with a date in range.
        if seconds > 31_557_600_000 {
            return Err(());
        }
        Ok(Self::seconds(seconds))
    }
}

/// The seconds of `2D` or `1H30M`: each unit at most once, in this order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Result<i64, ()> {
    let mut total: i64 = 0;
    for (unit, seconds) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(());
            }
            let number: i64 = number.parse().map_err(|_| ())?;
            total = number.checked_mul(*seconds).and_then(|part| total.checked_add(part)).ok_or(())?;
            text = rest;
        }
    }
    if text.is_empty() { Ok(total) } else { Err(()) }
}

/// An address, for example `https://access.example/@contoso.example#/access-packages/pkg_01h455vb4pex5vsknk084sn02q`.
/// In an input any text is taken: what it is for says what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// An address, for example `https://access.example/@contoso.example#/access-packages/pkg_01h455vb4pex5vsknk084sn02q`.
/// In an input any text is taken: what it is for says what it must be.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A secret in an input: a plain `String` in the schema, that nothing prints. Its debug form is a
/// hash, so that a repeated call with another secret is told from a repetition.
#[derive(Clone)]
pub struct SecretText(pub Secret);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        let hash = digest(&SHA256, self.0.expose().as_bytes());
        hash.as_ref().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl InputType for SecretText {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <String as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self(Secret::new(text))),
            _ => Err(InputValueError::custom("a secret must be a String")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_written_in_days_where_they_are_whole() {
        for (seconds, text) in
            [(0, "PT0S"), (1_209_600, "P14D"), (129_600, "P1DT12H"), (5_400, "PT1H30M"), (59, "PT59S")]
        {
            assert_eq!(Duration::seconds(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Duration::seconds(seconds)));
        }
    }

    #[test]
    fn a_secret_is_printed_as_a_hash_that_tells_it_from_others() {
        let shown = |text: &str| format!("{:?}", SecretText(Secret::new(text)));
        assert!(!shown("hunter2").contains("hunter2"));
        assert_eq!(shown("hunter2"), shown("hunter2"));
        assert_ne!(shown("hunter2"), shown("hunter3"));
        assert_eq!(SecretText(Secret::new("hunter2")).to_value(), Value::from("[secret]"));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "P", "PT", "14D", "P1M", "P1Y", "P-1D", "P1DT", "PT1M1H", "P99999999999999999999D", "P1.5D"]
        {
            assert_eq!(text.parse::<Duration>(), Err(()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_duration_is_read_back(seconds in 0i64..31_557_600_000) {
            prop_assert_eq!(Duration::seconds(seconds).to_string().parse(), Ok(Duration::seconds(seconds)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}|P[0-9TDHMSW]{0,12}") {
            let _ = text.parse::<Duration>();
        }
    }
}
