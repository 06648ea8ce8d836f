//! Selection of the simulated API for a target.

use super::any::{self, Description};
use super::{meitner, pathwright};

/// An API that the sandbox simulates.
#[derive(Debug)]
pub enum Simulation {
    /// The Meitner Directory API, as its documentation describes it.
    Meitner,
    /// The Pathwright API, as its documentation describes it.
    Pathwright,
    /// The API that a target file describes.
    Described(Box<Description>),
}

impl Simulation {
    /// Selects the simulation of the API that a target file describes.
    ///
    /// A target is a built-in API if it has the API's name and update request. The address is not compared,
    /// because several APIs have a path such as `/directory/v1`, and one API can have several addresses.
    pub fn of(target: &str) -> Result<Simulation, toml::de::Error> {
        let api = Description::parse(target)?;
        Ok(match api.identity() {
            meitner::IDENTITY => Simulation::Meitner,
            pathwright::IDENTITY => Simulation::Pathwright,
            _ => Simulation::Described(Box::new(api)),
        })
    }

    /// Returns the path below which the sandbox serves the API.
    pub fn path(&self) -> &'static str {
        match self {
            Simulation::Meitner => meitner::PATH,
            Simulation::Pathwright => pathwright::PATH,
            Simulation::Described(_) => any::PATH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEITNER: &str = include_str!("../targets/meitner.toml");
    const PATHWRIGHT: &str = include_str!("../targets/pathwright.toml");

    fn path_of(text: &str) -> &'static str {
        Simulation::of(text).unwrap().path()
    }

    #[test]
    fn a_simulation_is_selected_by_the_target_and_not_by_its_address() {
        assert_eq!(path_of(MEITNER), "/directory/v1");
        assert_eq!(path_of(PATHWRIGHT), "/api/public");
        let with = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        };
        // Another API whose address has the same path.
        let other = with(MEITNER, "name = \"meitner\"", "name = \"google\"");
        assert_eq!(path_of(&other), "/target");
        let other = with(MEITNER, "/student/{id}", "/users/{id}");
        assert_eq!(path_of(&other), "/target");
        // The same API at another address.
        let moved = with(MEITNER, "/directory/v1", "/proxy");
        assert_eq!(path_of(&moved), "/directory/v1");
        assert!(Simulation::of("name = 1").is_err());
    }
}
