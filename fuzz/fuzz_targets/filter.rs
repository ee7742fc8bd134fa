//! Text as a filter: parsed, printed, resolved and evaluated.

#![no_main]

use std::sync::LazyLock;

use civitas_scim::{
    core,
    filter::{Filter, Limits},
    schema::ResourceType,
    tolerance::Tolerance,
};
use libfuzzer_sys::fuzz_target;

mod sample;

static TYPES: LazyLock<[ResourceType; 2]> = LazyLock::new(|| [core::user(), core::group()]);

fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text, &Limits::default()) else {
        return;
    };
    // Escapes may print longer than they were written, and never nest deeper.
    let wide = Limits {
        text_bytes: usize::MAX,
        ..Limits::default()
    };
    let printed = filter.to_string();
    assert_eq!(
        Filter::parse(&printed, &wide).as_ref(),
        Ok(&filter),
        "{printed}"
    );
    let [user, group] = &*TYPES;
    if let Ok(condition) = filter.resolve(user, &[group], &Tolerance::generic()) {
        condition.matches(sample::user());
        assert!(filter.resolve(group, &[user], &Tolerance::generic()).is_ok());
    }
});
