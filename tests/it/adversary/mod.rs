//! What an adversary tries, and what must become of it: hostile answers, races, clocks and files.

mod answers;
mod bombs;
mod cells;
mod doors;
mod dropping;
mod escapes;
mod files;
mod limits;
mod names;
mod personal_data;
mod races;
mod rows;
mod secrets;
mod streams;
mod trust;
