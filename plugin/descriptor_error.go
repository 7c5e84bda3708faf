package plugin

import (
	"fmt"
	"time"
)

// A DescriptorError reports what is wrong with a descriptor: its text, a value,
// or the file it points at.
type DescriptorError struct {
	File         string // the descriptor file, or who added the descriptor
	Line, Column int    // 1-based; 0 if the error has no position
	Field        string // for example "capabilities[1].kind"; may be empty
	Problem      string // as a clause
	Fix          string // what to do, as a clause
}

func (e *DescriptorError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	return fmt.Sprintf("plugin: %s: %s; %s", where, e.Problem, e.Fix)
}

// A ClashError reports two plugins of one name.
type ClashError struct {
	Name     string
	Existing string // descriptor file of the plugin that has the name
	Refused  string // descriptor file of the one that wanted it
}

func (e *ClashError) Error() string {
	return fmt.Sprintf("plugin: two plugins are called %q: kept %s, refused %s; give one of them another name",
		e.Name, e.Existing, e.Refused)
}

// A ChecksumError reports a program file that is not the one its descriptor
// names.
type ChecksumError struct {
	Plugin     string
	Source     string // descriptor file
	File       string // program file
	Want, Have string // hex SHA-256 digests
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("plugin: %s: sha256 of %s is %s, the descriptor says %s; "+
		"install the right file, or after checking it put the output of 'sha256sum %s' into sha256",
		e.Source, e.File, e.Have, e.Want, shellQuote(e.File))
}

// An APIVersionError reports a plugin written for a contract version that the
// host does not allow, or one that differs from what its descriptor says.
type APIVersionError struct {
	Plugin   string
	Source   string   // descriptor file
	Declared string   // the version of the plugin: the descriptor's, or the process's own word
	Allowed  []string // what would have been accepted
	ByFile   bool     // Declared is the descriptor's, otherwise the process's

	// Ended is since when the host takes no plugins of the version any more; zero
	// if it never did.
	Ended time.Time
}

func (e *APIVersionError) Error() string {
	if !e.Ended.IsZero() {
		return fmt.Sprintf("plugin: %s: plugin %q has api_version %q, whose life on this host ended on %s, this host allows %s; "+
			"use a build of the plugin for one of those",
			e.Source, e.Plugin, e.Declared, e.Ended.Format(time.DateOnly), quotedList(e.Allowed, ", "))
	}
	if e.ByFile {
		return fmt.Sprintf("plugin: %s: plugin %q has api_version %q, this host allows %s; "+
			"use a build of the plugin for one of those, or a host that allows %q",
			e.Source, e.Plugin, e.Declared, quotedList(e.Allowed, ", "), e.Declared)
	}
	return fmt.Sprintf("plugin: %s: the process of plugin %q declares api_version %q, its descriptor says %s; make the two agree",
		e.Source, e.Plugin, e.Declared, quotedList(e.Allowed, ", "))
}
