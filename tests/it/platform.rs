//! The unit of systemd: it starts what the program understands, and lets it do no more than it must.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Sections of a unit, and in each the directives with all their values, in order.
type Unit = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn text() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/estop.service");
    std::fs::read_to_string(file).unwrap()
}

fn read(text: &str) -> Unit {
    let mut unit = Unit::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        let directives = unit.entry(section.clone()).or_default();
        directives
            .entry(key.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    unit
}

/// What must stand there for the process to have its state, the network and nothing else
/// (threat model 5.2).
const HARDENED: [(&str, &str); 28] = [
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("PrivateUsers", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectProc", "invisible"),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("LimitCORE", "0"),
    ("UMask", "0077"),
    ("StateDirectoryMode", "0700"),
    ("RestartPreventExitStatus", "78"),
    ("Restart", "always"),
];

#[test]
fn the_unit_starts_what_the_program_understands_and_nothing_else() {
    let unit = read(&text());

    let sections: Vec<_> = unit.keys().map(String::as_str).collect();
    assert_eq!(sections, ["Install", "Service", "Unit"]);
    let service = &unit["Service"];
    let start: Vec<_> = service["ExecStart"][0].split(' ').collect();
    let [program, word, option, file] = start.as_slice() else {
        panic!("{start:?}");
    };
    assert!(program.starts_with('/') && file.starts_with('/'));
    let help = Command::new(env!("CARGO_BIN_EXE_estop"))
        .args([word, "--help"])
        .output()
        .unwrap();
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains(option), "{help}");
    for (key, value) in HARDENED {
        let written = service.get(key).unwrap_or_else(|| panic!("{key} is gone"));
        assert!(written.iter().any(|it| it == value), "{key}: {written:?}");
    }
    assert_ne!(service["User"][0], "root");
    // Who says a thing twice means one of them; only filters are added up.
    let twice = service.iter().filter(|(_, values)| values.len() > 1);
    let twice: Vec<_> = twice.map(|(key, _)| key.as_str()).collect();
    assert_eq!(twice, ["SystemCallFilter"]);
}

#[test]
fn the_process_may_leave_no_core_file_for_as_long_as_it_serves() {
    let unit = read(&text());

    assert_eq!(unit["Service"]["LimitCORE"], ["0"]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/serve.rs");
    let source = syn::parse_file(&std::fs::read_to_string(source).unwrap()).unwrap();
    let serves = source.items.iter().find_map(|item| {
        let syn::Item::Fn(it) = item else { return None };
        (it.sig.ident == "serve_command").then_some(it)
    });
    // Before anything is read: the first thing that it does.
    let syn::Stmt::Expr(syn::Expr::Call(call), _) = &serves.unwrap().block.stmts[0] else {
        panic!("it begins with something else");
    };
    let syn::Expr::Path(called) = &*call.func else {
        panic!("it begins with something else");
    };
    assert!(called.path.is_ident("keep_memory_to_ourselves"));
}
