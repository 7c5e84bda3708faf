package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runbookSections are what each page answers, in this order.
var runbookSections = []string{"## What it means", "## What it costs", "## First look", "## Causes and cures", "## Silence it"}

// Each alert has a page and a row in the index with its severity, and there are no others.
func TestRunbooksAreComplete(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(repository(t), runbooks)
	rules := readRules(t)
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, rule := range rules {
		if row := fmt.Sprintf("| [%s](%s.md) | %s |", name, name, rule.Labels["severity"]); strings.Count(string(index), row) != 1 {
			t.Errorf("the index has not one row that begins with %s", row)
		}
	}
	if rows := strings.Count(string(index), "\n| [Roster"); rows != len(rules) {
		t.Errorf("the index has %d rows, and there are %d alerts", rows, len(rules))
	}
	for _, path := range glob(t, filepath.Join(folder, "*.md")) {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		if name == "README" {
			continue
		}
		if _, known := rules[name]; !known {
			t.Errorf("%s is about no alert", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range runbookProblems(name, string(text)) {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

// runbookProblems says what a page about an alert lacks.
func runbookProblems(alert, page string) []string {
	var problems []string
	if !strings.HasPrefix(page, "# "+alert+"\n") {
		problems = append(problems, "its title is not the name of the alert")
	}
	rest := page
	for _, section := range runbookSections {
		_, after, found := strings.Cut(rest, "\n"+section+"\n")
		text, _, _ := strings.Cut(after, "\n## ")
		switch {
		case !found:
			problems = append(problems, "it lacks "+section+", or has it in another order")
			continue
		case len(strings.TrimSpace(text)) < 20:
			problems = append(problems, section+" says nothing")
		}
		rest = after
	}
	if !strings.Contains(page, "alertname="+alert+" ") {
		problems = append(problems, "it does not silence this alert")
	}
	if len(pageCommands(page)) == 0 {
		problems = append(problems, "it has no command for a first look")
	}
	return problems
}

func TestIncompleteRunbooksAreFound(t *testing.T) {
	t.Parallel()
	if got := runbookProblems("A", "# B\n\n## What it means\n\nshort\n"); len(got) != 8 {
		t.Errorf("found %q", got)
	}
}

var commandBlock = regexp.MustCompile("(?s)(<!-- not run[^>]*-->\n)?```console\n(.*?)\n```")

// pageCommands are the commands of a page that are run.
func pageCommands(page string) []string {
	var commands []string
	for _, block := range commandBlock.FindAllStringSubmatch(page, -1) {
		if block[1] != "" {
			continue
		}
		for line := range strings.Lines(block[2]) {
			if command, found := strings.CutPrefix(line, "$ "); found {
				commands = append(commands, strings.TrimSpace(command))
			}
		}
	}
	return commands
}

var promqlBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")

// What the guide says of alerts, the rules say: a block of PromQL is the expression of one.
func TestTheGuideQuotesTheRules(t *testing.T) {
	t.Parallel()
	rules := readRules(t)
	expressions := make(map[string]bool, len(rules))
	for _, rule := range rules {
		expressions[strings.TrimSpace(rule.Expr)] = true
	}
	quoted := 0
	for _, path := range glob(t, filepath.Join(repository(t), "docs", "guide", "*.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range promqlBlock.FindAllStringSubmatch(string(text), -1) {
			quoted++
			if !expressions[strings.TrimSpace(block[1])] {
				t.Errorf("%s: no alert has this expression:\n%s", path, block[1])
			}
		}
	}
	if quoted == 0 {
		t.Error("the guide quotes no rule")
	}
}
