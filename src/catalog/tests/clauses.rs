use super::*;
use crate::catalog::clause::TEXT_MAX;
use crate::domain::playbook::Mode;

fn refused(expression: &str) -> String {
    let quoted = format!("'{}'", expression.replace('\'', "''"));
    let told = told(&with_clause(&quoted));
    assert_eq!(told.len(), 1, "{expression}: {told:?}");
    told[0].split_once(' ').unwrap().1.to_owned()
}

#[test]
fn a_clause_asks_about_the_detection_and_the_entity() {
    let detection = detection("signInSpike");

    for expression in [
        "age(detection.detected_at) < duration(\"2h\")",
        "age(detection.detected_at) == duration(\"60m\")",
        "detection.detected_at > timestamp(\"2026-01-01T00:00:00Z\")",
        "detection.severity in [\"high\", \"critical\"]",
        "detection.confidence + 1 == 81",
        "detection.type.startsWith(\"signIn\")",
        "detection[\"source\"] == \"sentinel\"",
        "detection.source.matches(\"^sent\") && !detection.type.matches(\"x$\")",
        "entity.kind == \"agent\"",
        "'[\"a\", \"sentinel\"].exists(s, s == detection.source)'",
        "size(detection.source) == 8",
        "detection.received_at.getHours() == 12",
    ] {
        assert_eq!(truth(expression, &detection), Truth::True, "{expression}");
    }
}

#[test]
fn what_the_sensor_left_out_is_unknown_and_says_why() {
    let mut detection = detection("signInSpike");
    detection.confidence = None;
    detection.detected_at = None;

    let unknown = weighed("detection.confidence > 50", &detection);
    let undated = weighed("age(detection.detected_at) < duration(\"1d\")", &detection);
    let tenantless = weighed("entity.tenant != \"x\"", &detection);

    for considered in [&unknown, &undated, &tenantless] {
        assert_eq!(considered.when[0].truth, Truth::Unknown);
        assert!(considered.matched);
        assert_eq!(considered.mode, Some(Mode::Observe));
    }
    let because = unknown.when[0].because.as_deref();
    assert_eq!(because, Some("`confidence` is not known"));
}

#[test]
fn the_unknown_decides_nothing_that_is_decided_without_it() {
    let mut detection = detection("signInSpike");
    detection.confidence = None;

    let both = |left: &str, right: &str| truth(&format!("{left} {right}"), &detection);

    assert_eq!(
        both(
            "detection.confidence > 50 ||",
            "detection.severity == \"high\""
        ),
        Truth::True
    );
    assert_eq!(
        both(
            "detection.confidence > 50 &&",
            "detection.severity == \"low\""
        ),
        Truth::False
    );
    assert_eq!(
        both("has(detection.confidence) &&", "detection.confidence > 50"),
        Truth::False
    );
}

#[test]
fn a_moment_beyond_every_calendar_is_unknown() {
    let mut detection = detection("signInSpike");
    for millis in [i64::MIN, i64::MAX] {
        detection.detected_at = Some(Moment::from_millis(millis));

        let truth = truth("age(detection.detected_at) < duration(\"1h\")", &detection);

        assert_eq!(truth, Truth::Unknown);
    }
}

#[test]
fn p06_a_clause_that_is_always_the_same_is_refused() {
    for expression in [
        "true",
        "1 == 1",
        "!false",
        "true || detection.source == \"x\"",
        "false && age(detection.detected_at) < duration(\"1h\")",
        "\"a\".matches(\"a\")",
    ] {
        let told = refused(expression);

        assert!(
            told.starts_with("this clause is the same for every"),
            "{told}"
        );
    }
    assert_eq!(
        refused("detection.source == detection.source"),
        "this compares a field with itself"
    );
}

#[test]
fn a_name_outside_the_schema_is_refused_with_the_nearest() {
    let cases = [
        (
            "detection.sevrity == \"high\"",
            "`detection` has no field `sevrity`; did you mean `detection.severity`?",
        ),
        (
            "has(entity.tgs)",
            "`entity` has no field `tgs`; did you mean `entity.tags`?",
        ),
        (
            "detectoin.id == \"x\"",
            "unknown name `detectoin`; did you mean `detection`?",
        ),
        (
            "detection.id.startWith(\"x\")",
            "unknown function `startWith`; did you mean `startsWith`?",
        ),
        (
            "string(detection.confidence) == \"1\"",
            "unknown function `string`; there are age, duration, timestamp, has, size, contains, \
             startsWith, endsWith, matches, exists, all, getHours, getDayOfWeek, getDate, getMonth",
        ),
        (
            "@now > detection.detected_at",
            "this clause is not an expression",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected);
    }
}

#[test]
fn an_expression_of_the_wrong_kind_is_refused() {
    let cases = [
        (
            "detection.severity > 3",
            "cannot compare a text with a number",
        ),
        (
            "age(detection.detected_at) < 24",
            "cannot compare a length of time with a number",
        ),
        (
            "detection.severity",
            "a clause must be a condition, and this is a text",
        ),
        (
            "detection.severity && true",
            "only conditions can be joined by &&, || and !",
        ),
        (
            "detection.detected_at + detection.received_at == detection.activity_at",
            "this operator does not take a time and a time",
        ),
        (
            "size(detection) > 1",
            "`detection` alone is not a value; name one of its fields: `detection.id`",
        ),
        ("detection.severity.foo == 1", "a text has no field `foo`"),
        (
            "age(detection.detected_at) < duration(\"1y\")",
            "`1y` is not a length of time; write such as duration(\"24h\") or duration(\"7d\")",
        ),
        (
            "duration(detection.id) < duration(\"1h\")",
            "`duration` needs a text in quotes",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected);
    }
}

#[test]
fn p03_what_could_exhaust_the_evaluator_is_refused() {
    let nested = "[\"a\"].all(x, [\"b\"].all(y, y == detection.id))";
    let long = format!("detection.id == \"{}\"", "a".repeat(TEXT_MAX));
    let chain = format!("1{} == detection.confidence", " + 1".repeat(200));
    let pattern = format!("detection.id.matches(\"{}\")", "a".repeat(201));

    assert_eq!(
        refused(nested),
        "a macro may not stand inside another macro"
    );
    assert_eq!(refused(&long), "this clause is longer than 2000 bytes");
    assert_eq!(refused(&chain), "this clause is nested deeper than 40");
    assert_eq!(refused(&pattern), "this pattern is longer than 200 bytes");
    assert_eq!(
        refused("detection.id.matches(detection.source)"),
        "`matches` needs its pattern in quotes"
    );
    assert_eq!(
        refused("detection.id.matches(\"((a{50}){50}){50}\")"),
        "this pattern is not a regular expression we can hold"
    );
}

#[test]
fn p03_no_text_overflows_the_stack_of_the_parser() {
    for unit in [
        "!(", "[", "(", "{", "!", "-", "- ", "a?b:", "a.", "f(", "1+", "a[", "a&&", "'", "x in ",
    ] {
        let text = unit.repeat(1_990 / unit.len());

        let told = told(&with_clause(&format!("\"{text}1\"")));

        assert!(!told.is_empty(), "{unit}");
    }
}

#[test]
fn the_deepest_clause_that_is_taken_runs_on_a_small_stack() {
    let deepest = (1..60)
        .map(|depth| format!("1{} == detection.confidence", " + 1".repeat(depth)))
        .take_while(|expression| told(&with_clause(expression)).is_empty())
        .last()
        .unwrap();

    let evaluated = std::thread::Builder::new()
        .stack_size(1024 * 1024)
        .spawn(move || truth_on_its_own(&deepest))
        .unwrap()
        .join();

    assert_eq!(evaluated.unwrap(), Truth::False);
}

fn truth_on_its_own(expression: &str) -> Truth {
    truth(expression, &detection("signInSpike"))
}

#[test]
fn a_word_that_a_field_never_holds_is_refused() {
    let cases = [
        (
            "detection.severity == \"High\"",
            "`detection.severity` is never `High`; did you mean `high`?",
        ),
        (
            "detection.severity in [\"high\", \"severe\"]",
            "`detection.severity` is never `severe`; it is one of informational, low, medium, \
             high, critical",
        ),
        (
            "\"agents\" != entity.kind",
            "`entity.kind` is never `agents`; did you mean `agent`?",
        ),
        (
            "detection.type == \"signInSpikes\"",
            "unknown detection type `signInSpikes`; did you mean `signInSpike`?",
        ),
        (
            "detection.severity >= \"high\"",
            "severities are texts here, and have no order; write such as `severity: high+` in \
             `trigger`",
        ),
        (
            "detection.confidence in [\"80\"]",
            "cannot compare a number with a text",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(refused(expression), expected);
    }
}
