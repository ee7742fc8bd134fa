//! Text as a path: of an attribute, of a sort order, of an operation.

#![no_main]

use std::sync::LazyLock;

use civitas_scim::{
    condition::Sort,
    core,
    patch::{self, Op, Operation},
    path::AttrPath,
    schema::ResourceType,
    tolerance::Tolerance,
};
use libfuzzer_sys::fuzz_target;

mod sample;

static USER: LazyLock<ResourceType> = LazyLock::new(core::user);

fuzz_target!(|text: &str| {
    let user = sample::user();
    if let Ok(path) = AttrPath::parse(text) {
        assert_eq!(path.to_string(), text);
        path.resolve(&USER);
    }
    if let Ok(sort) = Sort::resolve(text, false, &USER) {
        sort.key(user);
    }
    let remove = Operation {
        op: Op::Remove,
        path: Some(text.to_owned()),
        value: None,
    };
    let tolerance = Tolerance::generic();
    if let Ok(steps) = patch::steps(&[remove], &USER, "u", &tolerance) {
        let _ = patch::apply(user, &steps, &USER, &tolerance);
    }
});
