//! Every key of `estop.yaml`, from the table that a test holds against the parser.

use super::row;
use crate::config::keys;

pub(super) fn page() -> String {
    let mut page = String::from(
        "# Keys of estop.yaml\n\nWritten by `estop reference configuration`, and kept by a test. \
         Flags stand over `ESTOP_*` variables, those over the file, the file over the default. An \
         unknown key is an error; paths are relative to the file; a secret stands in a file of its \
         own. A whole file: [estop.example.yaml](estop.example.yaml).\n\n\
         | Key | Default | What it is |\n|---|---|---|\n",
    );
    for key in keys() {
        page.push_str(&row(&[&format!("`{}`", key.path), key.fallback, key.means]));
    }
    page
}
