//! Cron expressions of Quartz: seconds, minutes, hours, days of the month, months, days of the
//! week, and perhaps years. Pure.

/// Longest expression, in bytes.
const MAX_TEXT: usize = 1_024;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What a field counts.
struct Field {
    least: u32,
    most: u32,
    /// Words for its values, the first for the least.
    words: &'static [&'static str],
}

const fn numbers(least: u32, most: u32) -> Field {
    Field {
        least,
        most,
        words: &[],
    }
}

const SIXTY: Field = numbers(0, 59);
const HOURS: Field = numbers(0, 23);
const DAY_OF_MONTH: Field = numbers(1, 31);
const MONTH: Field = Field {
    least: 1,
    most: 12,
    words: &MONTHS,
};
const DAY_OF_WEEK: Field = Field {
    least: 1,
    most: 7,
    words: &DAYS,
};
const YEAR: Field = numbers(1_970, 2_099);

/// Whether a text is an expression that Quartz schedules by.
pub(super) fn is_valid(text: &str) -> bool {
    if text.len() > MAX_TEXT {
        return false;
    }
    let upper = text.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split_ascii_whitespace().collect();
    let Some((&[seconds, minutes, hours, days, months, week_days], rest)) =
        parts.split_first_chunk()
    else {
        return false;
    };
    let years = match rest {
        [] => "*",
        [years] => years,
        _ => return false,
    };
    // One of the days says when; the other says that it does not.
    let one_day = (days == "?") != (week_days == "?");
    one_day
        && SIXTY.takes(seconds)
        && SIXTY.takes(minutes)
        && HOURS.takes(hours)
        && (days == "?" || takes_days(days))
        && MONTH.takes(months)
        && (week_days == "?" || takes_week_days(week_days))
        && YEAR.takes(years)
}

impl Field {
    /// Whether all of a list are values, ranges or steps of the field.
    fn takes(&self, list: &str) -> bool {
        list.split(',').all(|part| self.takes_part(part))
    }

    fn takes_part(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let steps = step.is_none_or(|it| number(it).is_some_and(|it| it > 0 && it <= self.most));
        let is_range = match range.split_once('-') {
            Some((first, last)) => self.value(first).is_some() && self.value(last).is_some(),
            None => {
                range == "*" || (range.is_empty() && step.is_some()) || self.value(range).is_some()
            }
        };
        steps && is_range
    }

    fn value(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|it| *it == text);
        let word = word.and_then(|it| u32::try_from(it).ok());
        let value = word.map(|it| it + self.least).or_else(|| number(text))?;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days of the month: also the last (`L`, `L-3`), and the working day nearest one (`15W`, `LW`).
fn takes_days(list: &str) -> bool {
    if let Some(rest) = list.strip_prefix('L') {
        let rest = rest.strip_suffix('W').unwrap_or(rest);
        let before = rest.strip_prefix('-').and_then(number);
        return rest.is_empty() || before.is_some_and(|it| it <= 30);
    }
    if let Some(day) = list.strip_suffix('W') {
        return DAY_OF_MONTH.value(day).is_some();
    }
    DAY_OF_MONTH.takes(list)
}

/// Days of the week: also the last one of a month (`6L`), and the n-th (`6#3`).
fn takes_week_days(list: &str) -> bool {
    if let Some(day) = list.strip_suffix('L') {
        return day.is_empty() || DAY_OF_WEEK.value(day).is_some();
    }
    if let Some((day, which)) = list.split_once('#') {
        let which = number(which);
        return DAY_OF_WEEK.value(day).is_some() && which.is_some_and(|it| (1..=5).contains(&it));
    }
    DAY_OF_WEEK.takes(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_from_others() {
        for (text, expected) in [
            ("0 0/1 * * * ?", true),
            ("0 0 12 * * ?", true),
            ("0 15 10 ? * MON-FRI", true),
            ("0 15 10 L-3 * ? 2026-2030", true),
            ("0 15 10 LW * ?", true),
            ("0 15 10 15W * ?", true),
            ("0 15 10 ? * 6L", true),
            ("0 15 10 ? * 6#3 2026", true),
            ("0 0,30 8-18/2 1,15 JAN,jul ?", true),
            ("30 /5 * * * ?", true),
            ("", false),
            ("0 0/1 * * *", false),
            ("0 0 12 * * *", false),
            ("0 0 12 ? * ?", false),
            ("60 0 12 * * ?", false),
            ("0 0 24 * * ?", false),
            ("0 0 12 32 * ?", false),
            ("0 0 12 * 13 ?", false),
            ("0 0 12 ? * 8", false),
            ("0 0 12 ? * 6#6", false),
            ("0 0/0 12 * * ?", false),
            ("0 0 12 * * ? 2026 1", false),
            ("0 0 twelve * * ?", false),
            ("0 -5 12 * * ?", false),
        ] {
            assert_eq!(is_valid(text), expected, "{text}");
        }
        assert!(!is_valid(&"0,".repeat(1_000)));
    }
}
