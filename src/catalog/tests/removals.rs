//! What authors are told about whom a playbook asks, and what it comes to.

use super::*;
use crate::domain::approval::OnTimeout;
use crate::domain::playbook::{HoldThen, Mode};

const APPROVAL: &str =
    "approval: { from: [soc-leads], quorum: 2, within: 60m, on_timeout: undo }\n";

fn asking(mode: &str, end: &str) -> String {
    let text = with("mode: observe", &format!("mode: {mode}"));
    format!("{text}{end}")
}

fn approval(inside: &str) -> String {
    asking("ask", &format!("approval: {{ {inside} }}\n"))
}

#[test]
fn a_playbook_that_asks_says_whom_and_for_how_long() {
    let playbook = taken(&asking("provisional", APPROVAL)).playbook;

    let terms = playbook.approval.clone().unwrap();
    assert_eq!(playbook.mode, Mode::Provisional);
    assert_eq!(terms.from[0].as_str(), "soc-leads");
    assert_eq!((terms.quorum, terms.on_timeout), (2, OnTimeout::Undo));
    assert_eq!(terms.within.to_string(), "1h");
    assert!(terms.offer_smaller);
}

#[test]
fn whoever_asks_without_saying_whom_is_told_so_at_the_mode_that_asks() {
    let whom = |what: &str| {
        format!(
            "{what} asks, and does not say whom; add `approval: {{ from: [GROUP], quorum: 1, \
             within: 60m, on_timeout: keep }}`"
        )
    };

    assert_eq!(
        told(&asking("ask", "")),
        [format!("9:7 {}", whom("`mode: ask`"))]
    );
    assert_eq!(
        told(&asking("observe", "recommended: provisional\n")),
        [format!("12:14 {}", whom("`recommended: provisional`"))]
    );
    assert_eq!(
        told(&with("on_unknown: observe", "on_unknown: ask")),
        [format!("7:13 {}", whom("`on_unknown: ask`"))]
    );
}

#[test]
fn silence_has_no_default() {
    let told = told(&approval("from: [leads], within: 5m"));

    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("12:1 this approval does not say what happens when nobody answers"),
        "{told:?}"
    );
}

#[test]
fn an_approval_that_cannot_be_given_is_refused() {
    let rest = "within: 5m, on_timeout: keep";
    for (inside, what) in [
        (format!("from: [], {rest}"), "`from` names nobody"),
        (
            format!("from: [SOC], {rest}"),
            "`SOC` is not the name of a group",
        ),
        (
            format!("from: [a], quorum: 0, {rest}"),
            "`quorum` is not a number from 1 to 9",
        ),
        (
            "from: [a], within: 5, on_timeout: keep".to_owned(),
            "it needs a unit",
        ),
        (
            "from: [a], within: 8d, on_timeout: keep".to_owned(),
            "between 1m and 7d",
        ),
        (
            format!("from: [a], {rest}, by: chat"),
            "unknown key in `approval` `by`",
        ),
        (
            "from: [a], within: 5m, on_timeout: kill".to_owned(),
            "unknown answer to silence `kill`",
        ),
    ] {
        let told = told(&approval(&inside));

        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(what), "{what}: {told:?}");
    }
}

#[test]
fn what_has_no_way_back_alone_is_not_contained_provisionally() {
    let text = asking("provisional", APPROVAL).replace("- disable_agent", "- confirm_compromised");

    let told = told(&text);

    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("9:7 nothing in this playbook can be contained provisionally"));
}

#[test]
fn a_hold_that_ends_by_itself_holds_nothing_without_a_way_back() {
    let with_hold = |then: &str| {
        format!(
            "{PLAIN}  - confirm_compromised\nhold: {{ for: 7d, then: {then}, reassert_max: 3 }}\n"
        )
    };

    let told = told(&with_hold("undo"));
    let hold = taken(&with_hold("ask")).playbook.hold.unwrap();

    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("`confirm_compromised` has no way back that needs no person"));
    assert_eq!((hold.then, hold.reassert_max), (HoldThen::Ask, Some(3)));
}

#[test]
fn a_hold_that_holds_nothing_or_ends_before_people_answer_is_refused() {
    let nothing =
        with("- disable_agent", "- confirm_compromised") + "hold: { for: 7d, then: ask }\n";
    let short = with("mode: observe", "mode: provisional")
        + "approval: { from: [soc], within: 60m, on_timeout: undo }\nhold: { for: 60m, then: ask }\n";
    let longer = short.replace("for: 60m", "for: 61m");

    let (nothing, short) = (told(&nothing), told(&short));

    assert_eq!(nothing.len(), 1, "{nothing:?}");
    assert!(
        nothing[0].contains("nothing in this playbook is held"),
        "{nothing:?}"
    );
    assert_eq!(short.len(), 1, "{short:?}");
    assert!(
        short[0].contains("over before people have answered"),
        "{short:?}"
    );
    assert!(told(&longer).is_empty());
}

#[test]
fn a_blueprint_needs_a_word_in_its_guardrail_to_be_contained_alone() {
    let rail = |entity: &str, mode: &str, max: &str| {
        let steps = with("- disable_agent", &format!("- disable_{entity}"))
            .replace("entity: agent", &format!("entity: {entity}"))
            .replace("mode: observe", &format!("mode: {mode}"));
        format!("{steps}guardrail: {{ entities_max: 5, {max}window: 10m, on_breach: ask }}\n")
    };
    let remarks = |text: &str| taken(text).remarks.len();

    let said = taken(&rail("blueprint", "enforce", "blueprints_max: 1, "));

    let guardrail = said.playbook.guardrail.unwrap();
    assert_eq!((guardrail.blueprints_max, said.remarks.len()), (Some(1), 0));
    assert_eq!(remarks(&rail("blueprint", "enforce", "")), 1);
    assert_eq!(remarks(&rail("blueprint", "observe", "")), 0);
    assert_eq!(remarks(&rail("agent", "enforce", "blueprints_max: 1, ")), 1);
}

#[test]
fn the_unknown_is_asked_about_where_the_playbook_says_so_and_never_more_than_its_mode() {
    let considered = |mode: &str, on_unknown: &str| {
        let text = with_clause("entity.tenant == \"x\"")
            .replace("mode: observe", &format!("mode: {mode}"))
            .replace("on_unknown: observe", &format!("on_unknown: {on_unknown}"));
        let text = format!("{text}{APPROVAL}");
        let catalog = Catalog::of_texts([("x.yaml", text.as_str())]);
        let catalog = catalog.unwrap_or_else(|faults| panic!("{}", drawn(&faults)));
        let one = catalog.considered(&detection("signInSpike"), &agent(), noon());
        assert_eq!(one[0].when[0].truth, Truth::Unknown);
        assert!(one[0].when[0].because.is_some());
        one[0].mode
    };

    assert_eq!(considered("enforce", "ask"), Some(Mode::Ask));
    assert_eq!(
        considered("enforce", "provisional"),
        Some(Mode::Provisional)
    );
    assert_eq!(considered("ask", "provisional"), Some(Mode::Ask));
    assert_eq!(considered("observe", "provisional"), Some(Mode::Observe));
}
