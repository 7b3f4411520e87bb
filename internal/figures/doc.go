// Package figures keeps what the documents show in step with what was measured: tables and sentences in Markdown, and pictures that
// are drawn from those tables. It is for the tests of this repository, and imports nothing that an importer would get.
package figures
