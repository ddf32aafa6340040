use proptest::prelude::*;

use super::{DEPTH_MAX, check};

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn w15_nesting_is_taken_to_its_limit_and_never_recursed() {
    assert!(check(nested(DEPTH_MAX).as_bytes()).is_ok());
    for depth in [33, 128, 100_000, 1_000_000] {
        assert!(check(nested(depth).as_bytes()).is_err(), "{depth}");
        assert!(check("[".repeat(depth).as_bytes()).is_err(), "{depth}");
        let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(check(objects.as_bytes()).is_err(), "{depth}");
    }
}

#[test]
fn w16_a_key_twice_is_refused_however_it_is_escaped_and_however_deep() {
    let spellings = [
        "id",
        r"\u0069d",
        r"i\u0064",
        r"\u0069\u0064",
        r"\u0069\u0064",
    ];
    let places = [
        ("", ""),
        (r#"{"a":"#, "}"),
        (r#"[1,{"a":["#, "]}]"),
        (r#"{"id":"#, "}"),
    ];

    let mut cases = 0;
    for one in spellings {
        for other in spellings {
            for (before, after) in places {
                let body = format!(r#"{before}{{"{one}":1,"x":{{}},"{other}":2}}{after}"#);
                assert!(check(body.as_bytes()).is_err(), "{body}");
                cases += 1;
            }
        }
    }
    assert!(cases >= 60);

    let many: Vec<_> = (0..40).map(|n| format!(r#""k{n}":1"#)).collect();
    assert!(check(format!("{{{}}}", many.join(",")).as_bytes()).is_ok());
    let twin = format!(r#"{{{},"k\u0037":1}}"#, many.join(","));
    assert!(check(twin.as_bytes()).is_err());
}

#[test]
fn w16_the_same_key_in_two_objects_is_no_duplicate() {
    let fine = r#"{"id":{"id":1},"list":[{"id":1},{"id":2}],"ID":3}"#;

    assert!(check(fine.as_bytes()).is_ok());
}

#[test]
fn w17_bytes_that_are_not_strict_text_are_refused() {
    let mut bad: Vec<Vec<u8>> = vec![
        b"\xEF\xBB\xBF{}".to_vec(),
        b"{}\0".to_vec(),
        b"\0{}".to_vec(),
        b"\"\0\"".to_vec(),
        br#""\u0000""#.to_vec(),
        br#""\ud800""#.to_vec(),
        br#""\udc00""#.to_vec(),
        br#""\ud800\ud800""#.to_vec(),
        br#""\ud800\u0041""#.to_vec(),
        br#""\ud800x""#.to_vec(),
        br#"{"\udfff":1}"#.to_vec(),
        b"\"\xC0\xAF\"".to_vec(),
        b"\"\xE0\x80\xAF\"".to_vec(),
        b"\"\xF0\x80\x80\xAF\"".to_vec(),
        b"\"\xED\xA0\x80\"".to_vec(),
        b"\"\xF4\x90\x80\x80\"".to_vec(),
        b"\"\xE2\x82\"".to_vec(),
        b"{\0}".to_vec(),
    ];
    bad.extend(
        (0x80..=0xFF_u8)
            .step_by(2)
            .map(|byte| vec![b'"', byte, b'"']),
    );
    bad.extend((0..0x20_u8).map(|byte| vec![b'"', byte, b'"']));

    assert!(bad.len() >= 80);
    for body in bad {
        assert!(check(&body).is_err(), "{body:?}");
    }
    assert!(check(r#""😀 \ud83d\ude00 \u00e9""#.as_bytes()).is_ok());
}

#[test]
fn w18_numbers_are_plain_and_finite() {
    for bad in [
        "1e400",
        "-1e400",
        "01",
        "-01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "--1",
        "-",
        "NaN",
        "Infinity",
        "-Infinity",
        "0x10",
        "1_000",
        "1e99999999999",
        "00",
        "1.e5",
        "1.5.5",
    ] {
        assert!(check(bad.as_bytes()).is_err(), "{bad}");
    }
    for good in [
        "-0",
        "9007199254740993",
        "1e308",
        "0.1",
        "-1.5E-7",
        "1e-400",
        "0",
        "1E+2",
    ] {
        assert!(check(good.as_bytes()).is_ok(), "{good}");
    }
    assert!(check("9".repeat(400).as_bytes()).is_err());
}

#[test]
fn broken_grammar_is_refused() {
    for bad in [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "[1 2]",
        "{} {}",
        "nul",
        "truefalse",
        "'a'",
        "{a:1}",
        "[}",
        "{]",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12é4""#,
        r#""open"#,
        "// c\n1",
        "1,",
        ":",
        r#"{"a":1 "b":2}"#,
        r#"{1:2}"#,
    ] {
        assert!(check(bad.as_bytes()).is_err(), "{bad}");
    }
}

/// Pieces that make near-JSON often enough to be interesting.
fn near_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\u0061\"",
        "1",
        "-0",
        "1e9",
        "1e400",
        ".",
        "true",
        "null",
        " ",
        "\\",
        "\\ud83d",
        "\\ude00",
        "\"b\":1",
        "{\"a\":1}",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn w17_what_passes_is_read_by_serde_json_too(body in near_json()) {
        if check(body.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        if check(&body).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
        }
    }

    #[test]
    fn what_serde_json_writes_passes(
        keys in prop::collection::btree_map("[a-z\u{e9}\"\\\\\n]{0,8}", any::<f64>(), 0..40),
    ) {
        let body = serde_json::to_string(&keys).unwrap();

        prop_assert!(check(body.as_bytes()).is_ok(), "{body}");
    }
}
