package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ruleFile is a file of rules, as Prometheus has it.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []alertRule
	}
}

type alertRule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// testFile is a file of tests for promtool.
type testFile struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	Tests              []ruleTest `yaml:"tests"`
}

type ruleTest struct {
	Name, Interval string
	InputSeries    []struct{ Series, Values string } `yaml:"input_series"`
	AlertRuleTest  []struct {
		EvalTime  string                         `yaml:"eval_time"`
		Alertname string                         `yaml:"alertname"`
		ExpAlerts []map[string]map[string]string `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

const (
	ruleFiles   = "prometheus/rules/*.yaml"
	ruleTests   = "prometheus/tests/*.test.yaml"
	runbooks    = "docs/runbook"
	runbookBase = "https://github.com/roster-go/roster/blob/main/"
)

// readRules reads every rule, by the name of its alert.
func readRules(t *testing.T) map[string]alertRule {
	t.Helper()
	rules := make(map[string]alertRule)
	for _, path := range glob(t, ruleFiles) {
		var file ruleFile
		readYAML(t, path, &file)
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if _, taken := rules[rule.Alert]; taken {
					t.Errorf("%s: there are two alerts %s", path, rule.Alert)
				}
				rules[rule.Alert] = rule
			}
		}
	}
	return rules
}

func readRuleTests(t *testing.T) []ruleTest {
	t.Helper()
	var tests []ruleTest
	for _, path := range glob(t, ruleTests) {
		var file testFile
		readYAML(t, path, &file)
		tests = append(tests, file.Tests...)
	}
	return tests
}

func TestRulesAreCorrect(t *testing.T) {
	t.Parallel()
	arguments := append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, glob(t, ruleFiles)...)
	if out, err := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), arguments...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each alert fires in the cases for which it is there, and in none that only looks like it.
func TestAlertsFireAndStayQuiet(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, ruleTests) {
		out, err := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), "test", "rules", path).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for _, problem := range untestedAlerts(readRules(t), readRuleTests(t)) {
		t.Error(problem)
	}
}

// untestedAlerts lists the alerts without a test that they fire or without one that they stay quiet,
// and the tests that say something else than they test. A test of silence has to give the alert
// something to be tempted by.
func untestedAlerts(rules map[string]alertRule, tests []ruleTest) []string {
	var problems []string
	fires, quiet := make(map[string]bool), make(map[string]bool)
	for _, test := range tests {
		for _, check := range test.AlertRuleTest {
			rule, known := rules[check.Alertname]
			verb := " fires: "
			if len(check.ExpAlerts) == 0 {
				verb = " stays quiet: "
			}
			tempted := slices.ContainsFunc(test.InputSeries, func(s struct{ Series, Values string }) bool {
				name, _, _ := strings.Cut(s.Series, "{")
				return slices.Contains(metricsOf(rule.Expr), name)
			})
			switch {
			case !known:
				problems = append(problems, fmt.Sprintf("%q: there is no alert %s", test.Name, check.Alertname))
			case !strings.HasPrefix(test.Name, check.Alertname+verb):
				problems = append(problems, fmt.Sprintf("%q is the name of a test that %s%s…", test.Name, check.Alertname, verb))
			case !tempted:
				problems = append(problems, fmt.Sprintf("%q has no series of which %s knows the metric", test.Name, check.Alertname))
			case len(check.ExpAlerts) > 0:
				fires[check.Alertname] = true
			default:
				quiet[check.Alertname] = true
			}
		}
	}
	for alert := range rules {
		if !fires[alert] {
			problems = append(problems, alert+": no test that it fires")
		}
		if !quiet[alert] {
			problems = append(problems, alert+": no test that it stays quiet")
		}
	}
	slices.Sort(problems)
	return problems
}

func TestAlertsWithoutTestsAreFound(t *testing.T) {
	t.Parallel()
	rules := map[string]alertRule{"A": {Expr: `a > 1`}, "B": {Expr: `b > 1`}}
	test := func(name, alert, series string, fires bool) ruleTest {
		var test ruleTest
		test.Name = name
		test.InputSeries = append(test.InputSeries, struct{ Series, Values string }{series, "1"})
		test.AlertRuleTest = append(test.AlertRuleTest, struct {
			EvalTime  string                         `yaml:"eval_time"`
			Alertname string                         `yaml:"alertname"`
			ExpAlerts []map[string]map[string]string `yaml:"exp_alerts"`
		}{Alertname: alert})
		if fires {
			test.AlertRuleTest[0].ExpAlerts = []map[string]map[string]string{{}}
		}
		return test
	}
	got := untestedAlerts(rules, []ruleTest{
		test("A fires: x", "A", "a{}", true),
		test("A stays quiet: x", "A", "a{}", false),
		test("B stays quiet: x", "B", "a{}", false), // by a series that is not its own
		test("B stays quiet: x", "B", "b{}", true),
		test("C fires: x", "C", "c{}", true),
	})
	want := []string{"is the name of a test that B fires", "has no series of which B", "there is no alert C", "B: no test that it fires", "B: no test that it stays quiet"}
	if len(got) != len(want) {
		t.Errorf("found %q", got)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("%q is not found, only %q", w, got)
		}
	}
}

// Who is woken by an alert needs to know how bad it is, where, and what to do.
func TestAlertsTellWhatToDo(t *testing.T) {
	t.Parallel()
	root, known := repository(t), exported(t)
	for name, rule := range readRules(t) {
		if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s: the severity %q is neither critical nor warning", name, severity)
		}
		for _, annotation := range []string{"summary", "description"} {
			if rule.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", name, annotation)
			}
		}
		page := runbooks + "/" + name + ".md"
		if url := rule.Annotations["runbook_url"]; url != runbookBase+page {
			t.Errorf("%s: its runbook_url is %q, want %q", name, url, runbookBase+page)
		}
		if _, err := os.Stat(filepath.Join(root, page)); err != nil {
			t.Errorf("%s has no runbook: %v", name, err)
		}
		metrics := metricsOf(rule.Expr)
		if len(metrics) == 0 {
			t.Errorf("%s uses no metric", name)
		}
		for _, metric := range metrics {
			if !slices.Contains(known, metric) {
				t.Errorf("%s uses %s, which no daemon exports", name, metric)
			}
		}
	}
}
