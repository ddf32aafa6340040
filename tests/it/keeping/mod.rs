//! What is kept, for how long, and how it is proved that nothing of it was changed.

mod anchors;
mod bodies;
mod canaries;
mod retention;
mod rot;
