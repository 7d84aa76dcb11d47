//! How long to wait before something is tried again.

use chrono::TimeDelta;

/// The first pause between two tries.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The longest pause between two tries.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// The pause after so many tries: from half a minute, doubling, to an hour. `jitter`, a number from 0 to 1 that is
/// different each time, spreads the tries out: 80 to 100 % of the pause, so never longer than the back-off itself.
#[must_use]
pub fn pause(tries: i32, jitter: f64) -> TimeDelta {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or_default().min(16);
    let pause = (FIRST_PAUSE * 2_i32.saturating_pow(doublings)).min(LONGEST_PAUSE);
    let spread = f64::from(i32::try_from(pause.num_milliseconds()).unwrap_or(i32::MAX));
    #[expect(clippy::cast_possible_truncation, reason = "at most an hour in milliseconds")]
    TimeDelta::milliseconds((spread * (0.8 + 0.2 * jitter.clamp(0.0, 1.0))) as i64)
}
