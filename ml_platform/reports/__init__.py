"""Reports: verdicts and measurements as a person reads them - a terminal, Markdown, HTML, a CI system's JUnit file."""
