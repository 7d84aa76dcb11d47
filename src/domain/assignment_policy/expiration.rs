//! How assignments under a policy end: what is accepted.

use chrono::{DateTime, TimeDelta, Utc};
use entity::assignment_policy::{self, ExpirationKind};

use crate::domain::error::{Code, Rejection};
use crate::domain::input::Checks;

/// The longest that an assignment can last.
const LONGEST: TimeDelta = TimeDelta::days(3_660);

/// How assignments end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiration {
    /// They do not.
    Never,
    /// This long after their start.
    After(TimeDelta),
    /// All at this time.
    On(DateTime<Utc>),
    /// It was said only that they do end.
    Unsaid,
}

impl Expiration {
    /// Checks it, and writes it into the policy.
    pub(super) fn write(
        self,
        now: DateTime<Utc>,
        policy: &mut assignment_policy::Model,
        checks: &mut Checks,
    ) {
        let refuse = |field: &str, message: &str| Rejection::of(field, Code::InvalidInput, message);
        (policy.expiration_seconds, policy.expiration_at) = (None, None);
        match self {
            Self::Never => policy.expiration = ExpirationKind::Never,
            Self::After(length) => {
                checks.refuse_if(length <= TimeDelta::zero() || length > LONGEST, || {
                    refuse(
                        "expiration.afterDuration",
                        "`afterDuration` must be between 1 second and 3,660 days.",
                    )
                });
                policy.expiration = ExpirationKind::AfterDuration;
                policy.expiration_seconds = Some(length.num_seconds());
            }
            Self::On(at) => {
                checks
                    .refuse_if(at <= now, || refuse("expiration.onDate", "`onDate` must lie in the future."));
                policy.expiration = ExpirationKind::OnDate;
                // Whole microseconds, as both databases keep them; a leap second is the one after.
                policy.expiration_at = DateTime::from_timestamp_micros(at.timestamp_micros());
            }
            Self::Unsaid => checks.refuse_if(true, || {
                refuse("expiration.never", "`never` can only be true; else give `afterDuration` or `onDate`.")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::assignment_policy::create::empty;

    fn codes(expiration: Expiration) -> Vec<Vec<String>> {
        let now = DateTime::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let mut checks = Checks::default();
        expiration.write(now, &mut empty(now), &mut checks);
        match checks.done() {
            Err(crate::domain::Error::Rejected(rejections)) => {
                rejections.into_iter().map(|rejection| rejection.field).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn durations_and_dates_are_held_to_their_limits() {
        let now = DateTime::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let second = TimeDelta::seconds(1);
        for good in [
            Expiration::Never,
            Expiration::After(second),
            Expiration::After(LONGEST),
            Expiration::On(now + second),
        ] {
            assert!(codes(good).is_empty(), "{good:?}");
        }
        for bad in [Expiration::After(TimeDelta::zero()), Expiration::After(LONGEST + second)] {
            assert_eq!(codes(bad), [["expiration", "afterDuration"]]);
        }
        assert_eq!(codes(Expiration::On(now)), [["expiration", "onDate"]]);
        assert_eq!(codes(Expiration::Unsaid), [["expiration", "never"]]);
    }
}
