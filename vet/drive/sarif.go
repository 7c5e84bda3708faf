package drive

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
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

func sarifLog(findings []Finding) sarifReport {
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
		artifact := sarifArtifact{URI: f.File}
		if path.IsAbs(f.File) {
			artifact.URI = "file://" + f.File
		} else {
			artifact.BaseID = "%SRCROOT%"
		}
		sum := sha256.Sum256([]byte(baselineLine(f)))
		results = append(results, sarifResult{
			RuleID:    f.Analyzer,
			RuleIndex: index[f.Analyzer],
			Level:     levelOf(f.Analyzer),
			Message:   sarifText{f.Message},
			Locations: []sarifLocation{{sarifPhysical{
				Artifact: artifact,
				Region:   sarifRegion{StartLine: max(f.Line, 1), StartColumn: f.Column},
			}}},
			Fingerprints: map[string]string{"rosterFinding/v1": hex.EncodeToString(sum[:16])},
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
