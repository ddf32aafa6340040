//! When detections of one blueprint are an outbreak. Pure, so that their order of arrival does not
//! matter: the same marks in any order make the same outbreak.

use std::time::Duration;

use super::moment::Moment;
use super::trigger::Together;

/// The last of the marks that make an outbreak with the one at `at`: so many of them, that one
/// included, lie within one window. `marks` holds it too.
pub fn outbreak(mut marks: Vec<Moment>, at: Moment, together: Together) -> Option<Moment> {
    marks.sort_unstable();
    let least = usize::try_from(together.least).ok()?.max(1);
    let window: Duration = together.within.0;
    marks.windows(least).find_map(|some| {
        let (first, last) = (*some.first()?, *some.last()?);
        let close = last.since(first) <= window;
        (close && first <= at && at <= last).then_some(last)
    })
}

#[cfg(test)]
mod tests {
    use super::outbreak;
    use crate::domain::moment::{Moment, Span};
    use crate::domain::trigger::{Counted, Together};

    fn three() -> Together {
        Together {
            of: Counted::Agents,
            least: 3,
            within: Span::parse("10m").unwrap(),
        }
    }

    fn at(minute: i64) -> Moment {
        Moment::from_millis(minute * 60_000)
    }

    #[test]
    fn three_within_ten_minutes_are_one_and_two_or_slower_ones_are_none() {
        let marks = |minutes: &[i64]| minutes.iter().map(|it| at(*it)).collect::<Vec<_>>();

        assert_eq!(outbreak(marks(&[0, 5, 10]), at(10), three()), Some(at(10)));
        assert_eq!(outbreak(marks(&[0, 5]), at(5), three()), None);
        assert_eq!(outbreak(marks(&[0, 5, 11]), at(11), three()), None);
        assert_eq!(
            outbreak(marks(&[0, 5, 11, 12]), at(12), three()),
            Some(at(12))
        );
    }

    #[test]
    fn whichever_of_the_three_is_counted_last_finds_it() {
        for last in [0, 5, 10] {
            let marks = vec![at(10), at(0), at(5)];

            assert_eq!(outbreak(marks, at(last), three()), Some(at(10)));
        }
    }

    #[test]
    fn an_outbreak_that_the_mark_is_no_part_of_is_not_its_own() {
        let marks = vec![at(0), at(1), at(2), at(60)];

        assert_eq!(outbreak(marks, at(60), three()), None);
    }
}
