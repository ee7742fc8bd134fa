//! Bytes as the body of a PATCH request to a user.

#![no_main]

use std::sync::LazyLock;

use civitas_scim::{
    core, index, json,
    messages::PatchRequest,
    patch::{self, Op, Patched, Step},
    schema::ResourceType,
    tolerance::Tolerance,
};
use libfuzzer_sys::fuzz_target;

mod sample;

static USER: LazyLock<ResourceType> = LazyLock::new(core::user);

static TOLERANCE: LazyLock<Tolerance> = LazyLock::new(Tolerance::generic);

fuzz_target!(|body: &[u8]| {
    let Ok(body) = json::parse(body, &json::Limits::default()) else {
        return;
    };
    let Ok(operations) = PatchRequest::parse(&body, &TOLERANCE) else {
        return;
    };
    let Ok(steps) = patch::steps(&operations, &USER, "u", &TOLERANCE) else {
        return;
    };
    let _ = patch::member_changes(&steps);
    if let Ok(patched) = patch::apply(sample::user(), &steps, &USER, &TOLERANCE) {
        check(&steps, &patched);
    }
});

fn check(steps: &[Step], patched: &Patched) {
    assert!(!patched.attributes.contains_key("password"));
    index::entries(&patched.attributes, &USER);
    let again = patch::apply(&patched.attributes, &[], &USER, &TOLERANCE);
    assert!(again.is_ok_and(|again| !again.changed));
    // Through a filter, a replace may select something else the next time; and one step may
    // undo what another needs.
    if let [step] = steps
        && step.op == Op::Replace
        && step.filter.is_none()
        && let Ok(again) = patch::apply(&patched.attributes, steps, &USER, &TOLERANCE)
    {
        assert_eq!(again.attributes, patched.attributes);
    }
}
