use proptest::prelude::*;

use super::*;

#[test]
fn filters_are_printed_in_one_form() {
    for (written, printed) in [
        ("true", "true"),
        ("FALSE", "false"),
        ("userName EQ \"amir\"", "/userName eq \"amir\""),
        ("/sn sw 'O\\'B'", "/sn sw \"O'B\""),
        (
            "a eq 1 AND b eq 2.5 or !(c pr)",
            "/a eq 1 and /b eq 2.5 or !(/c pr)",
        ),
        (
            "a eq 1 and (b eq 2 or c eq true)",
            "/a eq 1 and (/b eq 2 or /c eq true)",
        ),
        ("((a pr))", "/a pr"),
        ("! (a pr)", "!(/a pr)"),
        (
            "name/last co \"a\\\"b\\\\c\"",
            "/name/last co \"a\\\"b\\\\c\"",
        ),
        (
            "userName in '[\"a\",\"b\"]'",
            "/userName in \"[\\\"a\\\",\\\"b\\\"]\"",
        ),
        ("a eq \"(\"", "/a eq \"(\""),
    ] {
        let filter = Filter::parse(written);
        let filter = filter.unwrap_or_else(|error| panic!("{written}: {error:?}"));
        assert_eq!(filter.to_string(), printed, "{written}");
    }
}

#[test]
fn other_texts_are_refused() {
    let nested = format!("{}true{}", "(".repeat(129), ")".repeat(129));
    let many = vec!["a pr"; 257].join(" or ");
    let long = format!("a eq \"{}\"", "x".repeat(MAX_TEXT));
    for text in [
        "",
        "userName",
        "userName xx",
        "userName eq",
        "userName eq amir",
        "a eq null",
        "a eq [1]",
        "not (a eq \"x\")",
        "(a pr",
        "a pr)",
        "a pr b pr",
        "a eq \"x",
        "a eq 99999999999999999999",
        "/ pr",
        "/_id in [\"a\"]",
        "_id in \"a\"",
        "a/%zz pr",
        "and",
        &nested,
        &many,
        &long,
    ] {
        assert_eq!(Filter::parse(text), Err(Unreadable::Malformed), "{text}");
    }
    let unknown = Unreadable::Operator("ne".into());
    assert_eq!(Filter::parse("a ne \"x\""), Err(unknown));
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|it| Literal::Number(it.into())),
        (-1e6..1e6_f64).prop_map(|it| Literal::Number(Number::from_f64(it + 0.5).unwrap())),
        any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn pointer() -> impl Strategy<Value = Pointer> {
    "[a-zA-Z_]{1,5}(/[a-z~ ()%]{1,4})?".prop_filter_map("a pointer", |text| {
        let escaped = text.replace('%', "%25").replace(' ', "%20");
        let escaped = escaped.replace('(', "%28").replace(')', "%29");
        Pointer::parse(&escaped)
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let operator = (0..Operator::ALL.len()).prop_map(|at| Operator::ALL[at]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Filter::Constant),
        pointer().prop_map(Filter::Present),
        (pointer(), operator, literal()).prop_map(|(pointer, operator, literal)| {
            Filter::Compare(pointer, operator, literal)
        }),
        (pointer(), prop::collection::vec(any::<String>(), 0..3))
            .prop_map(|(pointer, values)| Filter::In(pointer, values)),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|it| Filter::Not(Box::new(it))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(filter in filter()) {
        let printed = filter.to_string();
        prop_assert_eq!(Filter::parse(&printed), Ok(filter), "{}", printed);
    }

    #[test]
    fn no_text_is_too_much(text in any::<String>()) {
        let _ = Filter::parse(&text);
    }
}
