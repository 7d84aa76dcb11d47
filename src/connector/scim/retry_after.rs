//! How long a server asks us to wait: the `Retry-After` header (RFC 9110 §10.2.3).

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The forms of an HTTP-date (RFC 9110 §5.6.7): the current one, RFC 850, asctime.
const DATE_FORMS: [&str; 3] =
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads seconds or an HTTP-date; `None` where it is neither. A date that has passed is no wait.
pub(in crate::connector) fn parse(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more than the longest wait.
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let date = DATE_FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())?;
    let wait = date.and_utc().signed_duration_since(now);
    Some(wait.to_std().unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(784_111_777, 0).expect("in range")
    }

    #[test]
    fn seconds_are_taken_as_they_are_up_to_a_day() {
        assert_eq!(parse(" 120 ", now()), Some(Duration::from_secs(120)));
        assert_eq!(parse("0", now()), Some(Duration::ZERO));
        assert_eq!(parse("86401", now()), Some(LONGEST));
        assert_eq!(parse("99999999999999999999999999", now()), Some(LONGEST));
    }

    #[test]
    fn every_form_of_a_date_is_counted_from_now() {
        for date in
            ["Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"]
        {
            assert_eq!(parse(date, now()), Some(Duration::from_secs(60)), "{date}");
        }
        assert_eq!(parse("Sun, 06 Nov 1994 08:48:00 GMT", now()), Some(Duration::ZERO));
        assert_eq!(parse("Mon, 07 Nov 1994 23:00:00 GMT", now()), Some(LONGEST));
    }

    #[test]
    fn anything_else_is_no_wait_that_we_know() {
        for value in ["", "-1", "+1", "1.5", "soon", "1 minute", "Sun, 06 Foo 1994 08:50:37 GMT"] {
            assert_eq!(parse(value, now()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_never_by_more_than_a_day(value: String) {
            prop_assert!(parse(&value, now()).is_none_or(|wait| wait <= LONGEST));
        }

        #[test]
        fn any_number_is_answered_by_itself_or_a_day(seconds: u64) {
            let wait = Duration::from_secs(seconds).min(LONGEST);
            prop_assert_eq!(parse(&seconds.to_string(), now()), Some(wait));
        }
    }
}
