use proptest::prelude::*;

use super::*;
use crate::{ScimType, testing::user, tolerance::Tolerance};

fn parse(text: &str) -> Result<Filter, Invalid> {
    Filter::parse(text, &Limits::default())
}

#[test]
fn canonical_text() {
    for (written, canonical) in [
        (r#"userName EQ "bj""#, r#"userName eq "bj""#),
        (r#" userName  eq  "bj" "#, r#"userName eq "bj""#),
        (r#"value eq"x""#, r#"value eq "x""#),
        (r#"a eq "\u00c9\/""#, r#"a eq "É/""#),
        (r#"a eq "q\"\\""#, r#"a eq "q\"\\""#),
        ("a eq True and b eq FALSE", "a eq true and b eq false"),
        ("a eq null", "a eq null"),
        ("a gt -1.50e2", "a gt -150.0"),
        ("a eq 12", "a eq 12"),
        ("not(a pr)", "not (a pr)"),
        ("NOT  ( a PR )", "not (a pr)"),
        ("((a pr))", "a pr"),
        ("a pr and b pr or c pr", "a pr and b pr or c pr"),
        ("a pr and (b pr or c pr)", "a pr and (b pr or c pr)"),
        ("(a pr and b pr) and c pr", "(a pr and b pr) and c pr"),
        (r#"e[ t eq "w" ]"#, r#"e[t eq "w"]"#),
        (
            r#"e[not (t eq "w") and (v co "a" or v co "b")]"#,
            r#"e[not (t eq "w") and (v co "a" or v co "b")]"#,
        ),
        (r#"e[t eq "w"].v EQ "x""#, r#"e[t eq "w"].v eq "x""#),
        (r#"e[t eq "w"].v pr"#, r#"e[t eq "w"].v ne null"#),
        ("urn:x:2.0:U:a.b pr", "urn:x:2.0:U:a.b pr"),
        ("not eq true", "not eq true"),
    ] {
        let filter = parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(filter.to_string(), canonical, "filter: {written}");
        assert_eq!(parse(canonical), Ok(filter), "filter: {written}");
    }
}

#[test]
fn s_7644_3_4_2_2_27_refused_text() {
    for text in [
        "",
        " ",
        "()",
        "a",
        "a eq",
        "a eq ",
        "a pr and",
        "a pr or or b pr",
        "a prx",
        "a pr\tand b pr",
        "(a pr)and(b pr)",
        "a eq 01",
        "a eq 1.",
        "a eq .5",
        "a eq +1",
        "a eq 1e",
        "a eq 1e999",
        "a eq NULL",
        "a eq \"\\x\"",
        "a eq \"\u{1}\"",
        "a eq \"x\"y",
        "a eq\u{a0}\"x\"",
        "a eq 'x'",
        "e[]",
        "e[a pr",
        "e[a pr]x",
        "e[a pr].",
        "e[a pr].1 pr",
        "e[f[a pr]]",
        "a.b.c pr",
        "$x pr",
        "é pr",
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.scim_type, ScimType::InvalidFilter, "filter: {text}");
    }
}

#[test]
fn s_7644_3_4_2_2_26_limits() {
    let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
    let leaves = |count: usize| vec!["a pr"; count].join(" or ");
    assert!(parse(&leaves(MAX_LEAVES)).is_ok());
    assert!(parse(&leaves(MAX_LEAVES + 1)).is_err());
    let long = |bytes: usize| format!("a eq \"{}\"", "x".repeat(bytes - 7));
    assert!(parse(&long(MAX_TEXT)).is_ok());
    assert!(parse(&long(MAX_TEXT + 1)).is_err());
    let wide = Limits {
        text_bytes: usize::MAX,
        depth: usize::MAX,
        leaves: usize::MAX,
    };
    assert!(Filter::parse(&nested(1_000_000), &wide).is_err());
    assert!(Filter::parse(&"not (".repeat(1_000_000), &wide).is_err());
}

#[test]
fn strict_handling_takes_no_boolean_strings() {
    let filter = parse(r#"active eq "False""#).unwrap();
    assert!(filter.resolve(&user(), &[], &Tolerance::generic()).is_ok());
    assert!(filter.resolve(&user(), &[], &Tolerance::strict()).is_err());
}

#[test]
fn inner_names_are_sub_attributes() {
    for (text, is_ok) in [
        (r#"type eq "work""#, true),
        ("primary eq true and VALUE co \"x\"", true),
        ("primary gt true", false),
        ("nosuch pr", false),
        ("emails.type pr", false),
        ("userName pr", false),
    ] {
        let rt = user();
        let emails = rt.schema.attribute("emails").unwrap();
        let resolved = parse(text)
            .unwrap()
            .resolve_in(emails, None, &Tolerance::generic());
        assert_eq!(resolved.is_ok(), is_ok, "filter: {text}");
    }
}

fn path() -> impl Strategy<Value = AttrPath> {
    "[a-z][a-zA-Z0-9_$-]{0,5}(\\.[a-z]{1,4})?|urn:a:2\\.0:[a-z]{1,4}(\\.\\$ref)?".prop_map(AttrPath)
}

fn operator() -> impl Strategy<Value = Operator> {
    proptest::sample::select(Operator::ALL.to_vec())
}

fn literal() -> impl Strategy<Value = Literal> {
    let real = any::<f64>().prop_filter_map("finite", serde_json::Number::from_f64);
    prop_oneof![
        any::<String>().prop_map(Literal::String),
        any::<i64>().prop_map(|it| Literal::Number(it.into())),
        any::<u64>().prop_map(|it| Literal::Number(it.into())),
        real.prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn tree(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    let grown = leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|it| Filter::Not(Box::new(it))),
        ]
    });
    grown.boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    let simple = prop_oneof![
        path().prop_map(Filter::Present),
        (path(), operator(), literal()).prop_map(|(a, b, c)| Filter::Compare(a, b, c)),
    ];
    let simple = simple.boxed();
    let inner = tree(simple.clone()).prop_map(Box::new);
    let element = (path(), inner.clone()).prop_map(|(path, inner)| Filter::Element(path, inner));
    let compared = (path(), inner, "[a-z]{1,4}", operator(), literal())
        .prop_map(|(a, b, c, d, e)| Filter::ElementCompare(a, b, c, d, e));
    tree(prop_oneof![4 => simple, 1 => element, 1 => compared].boxed())
}

proptest! {
    #[test]
    fn printed_filters_parse_to_themselves(filter in filter()) {
        let wide = Limits { text_bytes: usize::MAX, depth: 128, leaves: usize::MAX };
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text, &wide), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[a-c \"\\[\\]().0-9eqpr]{0,40}|\\PC*") {
        let _ = parse(&text);
    }
}
