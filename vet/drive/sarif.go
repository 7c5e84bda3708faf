package drive

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/roster-go/roster/vet"
)

// The parts of SARIF 2.1.0 that a report has, see
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
type (
	sarifReport struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"` //nolint:tagliatelle // SARIF
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"` //nolint:tagliatelle // SARIF
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string      `json:"id"`
		ShortDescription sarifText   `json:"shortDescription"`     //nolint:tagliatelle // SARIF
		FullDescription  sarifText   `json:"fullDescription"`      //nolint:tagliatelle // SARIF
		HelpURI          string      `json:"helpUri"`              //nolint:tagliatelle // SARIF
		Configuration    sarifConfig `json:"defaultConfiguration"` //nolint:tagliatelle // SARIF
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`    //nolint:tagliatelle // SARIF
		RuleIndex    int               `json:"ruleIndex"` //nolint:tagliatelle // SARIF
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"` //nolint:tagliatelle // SARIF
		Fixes        []sarifFix        `json:"fixes,omitempty"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"` //nolint:tagliatelle // SARIF
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"` //nolint:tagliatelle // SARIF
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`   //nolint:tagliatelle // SARIF
		Inserted sarifText   `json:"insertedContent"` //nolint:tagliatelle // SARIF
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"` //nolint:tagliatelle // SARIF
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"` //nolint:tagliatelle // SARIF
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId,omitempty"` //nolint:tagliatelle // SARIF
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`             //nolint:tagliatelle // SARIF
		StartColumn int `json:"startColumn,omitempty"` //nolint:tagliatelle // SARIF
		EndLine     int `json:"endLine,omitempty"`     //nolint:tagliatelle // SARIF
		EndColumn   int `json:"endColumn,omitempty"`   //nolint:tagliatelle // SARIF
	}
)

// levelOf is how bad the findings of an analyzer are.
func levelOf(analyzer string) string {
	switch analyzer {
	case vet.GlobalRegistry.Name:
		return "note"
	case vet.DuplicateName.Name, vet.MissingProvider.Name, vet.NilRemove.Name:
		return "error"
	}
	return "warning"
}

// sarifLog is the report of what was found in dir.
func sarifLog(dir string, findings []Finding) sarifReport {
	texts := newSourceTexts(dir)
	index := make(map[string]int)
	var rules []sarifRule
	for i, a := range vet.Analyzers() {
		index[a.Name] = i
		title, rest, _ := strings.Cut(a.Doc, "\n")
		_, title, _ = strings.Cut(title, ": ")
		rules = append(rules, sarifRule{
			ID:               a.Name,
			ShortDescription: sarifText{title},
			FullDescription:  sarifText{strings.TrimSpace(rest)},
			HelpURI:          a.URL,
			Configuration:    sarifConfig{levelOf(a.Name)},
		})
	}
	results := make([]sarifResult, 0, len(findings))
	for _, f := range findings {
		sum := sha256.Sum256([]byte(baselineLine(f)))
		results = append(results, sarifResult{
			RuleID:    f.Analyzer,
			RuleIndex: index[f.Analyzer],
			Level:     levelOf(f.Analyzer),
			Message:   sarifText{f.Message},
			Locations: []sarifLocation{{sarifPhysical{
				Artifact: artifactOf(f.File),
				Region:   sarifRegion{StartLine: max(f.Line, 1), StartColumn: texts.column(f.File, f.Line, f.Column)},
			}}},
			Fingerprints: map[string]string{"rosterFinding/v1": hex.EncodeToString(sum[:16])},
			Fixes:        fixesOf(f, texts),
		})
	}
	return sarifReport{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool: sarifTool{sarifDriver{
				Name: "roster-vet", InformationURI: "https://github.com/roster-go/roster", Rules: rules,
			}},
			ColumnKind: "utf16CodeUnits",
			Results:    results,
		}},
	}
}

// artifactOf names a file as a report does.
func artifactOf(file string) sarifArtifact {
	if path.IsAbs(file) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: file}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: file}).String(), BaseID: "%SRCROOT%"}
}

// fixesOf is what -fix would do about a finding. It is nothing if a file is not as it was looked at.
func fixesOf(f Finding, texts *sourceTexts) []sarifFix {
	fix := sarifFix{Description: sarifText{f.fix}}
	for _, e := range f.edits {
		line, column, ok := texts.position(e.Filename, e.Start)
		endLine, endColumn, endOK := texts.position(e.Filename, e.End)
		if !ok || !endOK {
			return nil
		}
		artifact := artifactOf(relative(texts.dir, e.Filename))
		i := slices.IndexFunc(fix.Changes, func(c sarifChange) bool { return c.Artifact == artifact })
		if i < 0 {
			i = len(fix.Changes)
			fix.Changes = append(fix.Changes, sarifChange{Artifact: artifact})
		}
		fix.Changes[i].Replacements = append(fix.Changes[i].Replacements, sarifReplacement{
			Deleted:  sarifRegion{StartLine: line, StartColumn: column, EndLine: endLine, EndColumn: endColumn},
			Inserted: sarifText{e.New},
		})
	}
	if fix.Changes == nil {
		return nil
	}
	return []sarifFix{fix}
}
