//! When a digest is due: once on every day that an organization's time zone has.

use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use entity::organization_digest;

/// The hour of a digest unless set otherwise.
pub const USUAL_HOUR: i32 = 8;
/// The time zone of a digest unless set otherwise.
pub const USUAL_ZONE: &str = "UTC";
/// How finely an hour is looked for that a time zone leaves out.
const STEP: TimeDelta = TimeDelta::minutes(15);

/// A time of the day at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    time: NaiveTime,
    zone: Tz,
}

impl Schedule {
    /// Eight in the morning, UTC.
    pub const USUAL: Self = Self {
        time: match NaiveTime::from_hms_opt(8, 0, 0) {
            Some(time) => time,
            None => NaiveTime::MIN,
        },
        zone: Tz::UTC,
    };

    /// A full hour, 0 to 23, in a time zone by its IANA name; none where there is no such hour or zone.
    #[must_use]
    pub fn new(hour: i32, zone: &str) -> Option<Self> {
        let time = NaiveTime::from_hms_opt(u32::try_from(hour).ok()?, 0, 0)?;
        Some(Self { time, zone: zone.parse().ok()? })
    }

    /// The schedule that an organization has set; the usual one where it has not.
    #[must_use]
    pub fn of(plan: Option<&organization_digest::Model>) -> Self {
        plan.and_then(|plan| Self::new(plan.hour, &plan.time_zone)).unwrap_or(Self::USUAL)
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone_name(&self) -> &'static str {
        self.zone.name()
    }

    /// The instant of a day: the first one where the hour comes twice; where it is left out, the first after it,
    /// else the last before it on that day. None where the whole day is left out.
    fn on(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let wanted = day.and_time(self.time);
        let at = |local| match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
            MappedLocalTime::None => None,
        };
        let stays = |local: &chrono::NaiveDateTime| local.date() == day;
        let later = std::iter::successors(Some(wanted), |local| local.checked_add_signed(STEP));
        let earlier = std::iter::successors(Some(wanted), |local| local.checked_sub_signed(STEP));
        later.take_while(stays).find_map(at).or_else(|| earlier.take_while(stays).find_map(at))
    }

    /// The first digest after an instant.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> DateTime<Utc> {
        let first = self.today(after).checked_sub_days(Days::new(2)).unwrap_or_default();
        let mut days = first.iter_days().take(8);
        let next = days.find_map(|day| self.on(day).filter(|at| *at > after));
        next.unwrap_or(after + TimeDelta::days(1))
    }

    /// The last digest up to an instant, with the day that it is for.
    #[must_use]
    pub fn latest(&self, now: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        let last = self.today(now).checked_add_days(Days::new(2))?;
        let days = std::iter::successors(Some(last), NaiveDate::pred_opt).take(8);
        days.filter_map(|day| Some((day, self.on(day)?))).find(|(_, at)| *at <= now)
    }

    /// When the next digest is due after this schedule takes the place of the one in `before`. The day that waited
    /// for its digest still gets it, at the old time where the new one has passed.
    #[must_use]
    pub fn in_place_of(&self, before: &organization_digest::Model, now: DateTime<Utc>) -> DateTime<Utc> {
        let waiting = Self::of(Some(before)).latest(before.due_at).map(|(day, _)| day);
        let next = self.next(now);
        let day = self.latest(next).map(|(day, _)| day);
        if day > waiting { before.due_at } else { next }
    }

    fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone).date_naive()
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_usual_schedule_is_what_is_set_by_default() {
        assert_eq!(Schedule::new(USUAL_HOUR, USUAL_ZONE), Some(Schedule::USUAL));
        assert_eq!(Schedule::new(24, "UTC"), None);
        assert_eq!(Schedule::new(-1, "UTC"), None);
        assert_eq!(Schedule::new(8, "Europe/Nowhere"), None);
    }

    #[test]
    fn an_hour_that_is_left_out_is_made_up_for_at_once() {
        // On 29 March 2026 clocks in Berlin go from 2:00 to 3:00.
        let schedule = Schedule::new(2, "Europe/Berlin").unwrap();
        assert_eq!(schedule.next(time("2026-03-28T12:00:00Z")), time("2026-03-29T01:00:00Z"));
        assert_eq!(schedule.next(time("2026-03-29T01:00:00Z")), time("2026-03-30T00:00:00Z"));
    }

    #[test]
    fn an_hour_that_comes_twice_counts_once() {
        // On 25 October 2026 clocks in Berlin go from 3:00 back to 2:00.
        let schedule = Schedule::new(2, "Europe/Berlin").unwrap();
        assert_eq!(schedule.next(time("2026-10-24T12:00:00Z")), time("2026-10-25T00:00:00Z"));
        assert_eq!(schedule.next(time("2026-10-25T00:00:00Z")), time("2026-10-26T01:00:00Z"));
        let day = NaiveDate::from_ymd_opt(2026, 10, 25).unwrap();
        assert_eq!(schedule.latest(time("2026-10-25T01:30:00Z")), Some((day, time("2026-10-25T00:00:00Z"))));
    }

    #[test]
    fn a_day_that_is_left_out_has_no_digest() {
        // Samoa went from 29 to 31 December 2011.
        let schedule = Schedule::new(8, "Pacific/Apia").unwrap();
        let before = schedule.next(time("2011-12-29T12:00:00Z"));
        let (first, _) = schedule.latest(before).unwrap();
        let (second, _) = schedule.latest(schedule.next(before)).unwrap();
        assert_eq!(
            (first.to_string(), second.to_string()),
            ("2011-12-29".to_owned(), "2011-12-31".to_owned())
        );
    }

    #[test]
    fn a_new_hour_leaves_no_day_without_a_digest() {
        let before = |due: &str| organization_digest::Model {
            organization_id: uuid::Uuid::nil(),
            hour: 8,
            time_zone: "UTC".to_owned(),
            due_at: time(due),
        };
        let due = |hour, zone, waiting: &str, now: &str| {
            Schedule::new(hour, zone).unwrap().in_place_of(&before(waiting), time(now))
        };
        let today = "2026-09-22T08:00:00Z";
        let tomorrow = "2026-09-23T08:00:00Z";
        // Before today's: the new hour is still to come, or has passed.
        assert_eq!(due(10, "UTC", today, "2026-09-22T07:30:00Z"), time("2026-09-22T10:00:00Z"));
        assert_eq!(due(7, "UTC", today, "2026-09-22T07:30:00Z"), time(today));
        // Today's is due and not yet written.
        assert_eq!(due(7, "UTC", today, "2026-09-22T08:00:01Z"), time(today));
        // Today's was written.
        assert_eq!(due(7, "UTC", tomorrow, "2026-09-22T09:00:00Z"), time("2026-09-23T07:00:00Z"));
        assert_eq!(due(10, "UTC", tomorrow, "2026-09-22T09:00:00Z"), time("2026-09-22T10:00:00Z"));
        assert_eq!(due(8, "Asia/Tokyo", tomorrow, "2026-09-22T09:00:00Z"), time("2026-09-22T23:00:00Z"));
    }

    proptest! {
        #[test]
        fn every_day_has_exactly_one_digest(
            zone in 0..TZ_VARIANTS.len(), hour in 0..24, start in 0i64..2_500_000_000, days in 1usize..400,
        ) {
            let schedule = Schedule::new(hour, TZ_VARIANTS[zone].name()).unwrap();
            let mut at = schedule.next(DateTime::from_timestamp(start, 0).unwrap());
            let (mut day, latest) = schedule.latest(at).unwrap();
            prop_assert_eq!(latest, at);
            for _ in 0..days {
                let next = schedule.next(at);
                let (tomorrow, latest) = schedule.latest(next).unwrap();
                prop_assert_eq!(latest, next, "what is next is then the latest");
                prop_assert!(next > at);
                // Until then the latest is still the one before.
                prop_assert_eq!(schedule.latest(next - TimeDelta::microseconds(1)), Some((day, at)));
                prop_assert_eq!(schedule.next(next - TimeDelta::microseconds(1)), next);
                // The days follow each other, but for those that the zone left out.
                let mut between = day.succ_opt().unwrap();
                while between < tomorrow {
                    prop_assert_eq!(schedule.on(between), None, "{} {}", schedule.zone_name(), between);
                    between = between.succ_opt().unwrap();
                }
                prop_assert_eq!(between, tomorrow);
                prop_assert_eq!(schedule.today(next), tomorrow, "it is that day there");
                (at, day) = (next, tomorrow);
            }
        }
    }
}
