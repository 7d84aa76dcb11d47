//! When the access of a request starts and ends: as asked for, within what its policy allows.

use chrono::{DateTime, TimeDelta, Utc};
use entity::assignment_policy::{self, ExpirationKind};

use crate::domain::error::{Code, Rejection};

/// The times that are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The start; none: at once.
    pub starts_at: Option<DateTime<Utc>>,
    /// The end; none: as the policy says.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How a policy lets assignments end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In which way.
    pub kind: ExpirationKind,
    /// After so many seconds.
    pub seconds: Option<i64>,
    /// On this date.
    pub at: Option<DateTime<Utc>>,
}

impl From<&assignment_policy::Model> for Limits {
    fn from(policy: &assignment_policy::Model) -> Self {
        Self { kind: policy.expiration, seconds: policy.expiration_seconds, at: policy.expiration_at }
    }
}

impl Limits {
    /// The latest end of what starts, or is prolonged, at this time; none: there is none.
    fn after(self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.kind {
            ExpirationKind::Never => None,
            ExpirationKind::AfterDuration => {
                self.seconds.and_then(TimeDelta::try_seconds).and_then(|lasts| from.checked_add_signed(lasts))
            }
            ExpirationKind::OnDate => self.at,
        }
    }
}

/// How far in the past a start may lie to count as now: clients send the present minute, truncated.
pub const PRESENT: TimeDelta = TimeDelta::seconds(60);

/// Returns when an assignment starts and ends. A start in the present minute is now.
pub fn schedule(
    limits: Limits,
    times: Times,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), Rejection> {
    let refuse = |field: &str, message: &str| Err(Rejection::of(field, Code::InvalidSchedule, message));
    let starts_at = match times.starts_at {
        Some(start) if start < now && now - start > PRESENT => {
            return refuse("startsAt", "The start lies in the past: leave it out to start at once.");
        }
        Some(start) => start.max(now),
        None => now,
    };
    let limit = limits.after(starts_at);
    if limit.is_some_and(|limit| limit <= starts_at) {
        return refuse("startsAt", "The policy's assignments end before this start.");
    }
    match times.expires_at {
        Some(end) if end <= starts_at => refuse("expiresAt", "The end must come after the start."),
        Some(end) if limit.is_some_and(|limit| end > limit) => {
            refuse("expiresAt", "The policy does not allow the access for so long.")
        }
        asked => Ok((starts_at, asked.or(limit))),
    }
}

/// The end of an assignment that is prolonged now: later than before, and no later than that of one that
/// would begin now. However often it is prolonged, nobody holds it longer than a policy's time beyond the
/// last decision.
pub fn prolonged(
    limits: Limits,
    ends_at: DateTime<Utc>,
    asked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Rejection> {
    let refuse = |message: &str| Err(Rejection::of("expiresAt", Code::InvalidSchedule, message));
    let limit = limits.after(now);
    if limit.is_some_and(|limit| limit <= ends_at) {
        return refuse("The policy does not allow the access longer than it is held already.");
    }
    match asked {
        Some(end) if end <= ends_at => refuse("The end must come after the one that there is."),
        Some(end) if limit.is_some_and(|limit| end > limit) => {
            refuse("The policy does not allow the access for so long.")
        }
        asked => Ok(asked.or(limit)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn limits(place: u8, seconds: i64) -> Limits {
        match place {
            0 => Limits { kind: ExpirationKind::Never, seconds: None, at: None },
            1 => Limits { kind: ExpirationKind::AfterDuration, seconds: Some(seconds), at: None },
            _ => Limits { kind: ExpirationKind::OnDate, seconds: None, at: Some(at(seconds)) },
        }
    }

    #[test]
    fn a_start_in_the_present_minute_is_now_and_an_earlier_one_is_refused() {
        let starts = |back: TimeDelta, kind: u8| {
            let times = Times { starts_at: Some(at(100) - back), expires_at: None };
            schedule(limits(kind, 200), times, at(100))
        };
        for kind in 0..3 {
            let now = schedule(limits(kind, 200), Times::default(), at(100));
            for back in [TimeDelta::zero(), TimeDelta::microseconds(1), PRESENT] {
                assert_eq!(starts(back, kind), now, "{kind} {back}");
            }
            let late = starts(PRESENT + TimeDelta::microseconds(1), kind);
            assert_eq!(late.map_err(|rejection| rejection.code), Err(Code::InvalidSchedule), "{kind}");
        }
        // What ends in the present minute is over all the same.
        let times = Times { starts_at: Some(at(50)), expires_at: Some(at(99)) };
        assert!(schedule(limits(0, 0), times, at(100)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_prolonged_ends_later_than_before_and_not_after_what_would_begin_now(
            place in 0..3_u8,
            seconds in 1_i64..200,
            ends in -20_i64..200,
            asked in proptest::option::of(-20_i64..300),
            now in 0_i64..100,
        ) {
            let (limits, asked) = (limits(place, seconds), asked.map(at));
            match prolonged(limits, at(ends), asked, at(now)) {
                Ok(end) => {
                    prop_assert!(end.is_none_or(|end| end > at(ends)));
                    prop_assert!(asked.is_none() || end == asked);
                    // One that would begin now could end then, too.
                    let fresh = schedule(limits, Times { starts_at: None, expires_at: end }, at(now));
                    prop_assert!(end.is_some_and(|end| end <= at(now)) || fresh.is_ok(), "{:?}", fresh);
                    // Once as far as allowed, it goes no further at that moment.
                    if let Some(end) = end.filter(|_| asked.is_none()) {
                        prop_assert!(prolonged(limits, end, None, at(now)).is_err());
                    }
                }
                Err(rejection) => {
                    prop_assert_eq!(rejection.code, Code::InvalidSchedule);
                    let limit = limits.after(at(now));
                    let too_early = asked.is_some_and(|end| end <= at(ends));
                    let too_late = limit.is_some_and(|limit| limit <= at(ends) || asked.is_some_and(|end| end > limit));
                    prop_assert!(too_early || too_late);
                }
            }
        }
    }
}
