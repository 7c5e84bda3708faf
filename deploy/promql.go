package deploy

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// Quoted texts, the labels of selectors, and lists of labels hold no names of metrics.
	promqlTexts     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	promqlSelectors = regexp.MustCompile(`\{[^}]*\}`)
	promqlLabels    = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	promqlRanges    = regexp.MustCompile(`\[[^\]]*\]`)

	// promqlWord is a name, with the parenthesis that makes it one of a function.
	promqlWord = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
)

// promqlKeywords are the words of PromQL that stand where a metric could.
var promqlKeywords = []string{"and", "or", "unless", "offset", "bool", "inf", "nan", "Inf", "NaN", "by", "without", "atan2"}

// metricsOf lists the metrics that an expression of PromQL names, each once, in their order. It knows
// the language only so far: promtool says whether an expression is one.
func metricsOf(expression string) []string {
	for _, ignored := range []*regexp.Regexp{promqlTexts, promqlSelectors, promqlLabels, promqlRanges} {
		expression = ignored.ReplaceAllString(expression, " ")
	}
	var metrics []string
	for _, at := range promqlWord.FindAllStringIndex(expression, -1) {
		word := expression[at[0]:at[1]]
		if word[len(word)-1] == '(' || at[0] > 0 && isDigit(expression[at[0]-1]) { // a function, or a unit of time
			continue
		}
		name := strings.TrimSpace(word)
		if !slices.Contains(promqlKeywords, name) && !slices.Contains(metrics, name) {
			metrics = append(metrics, name)
		}
	}
	return metrics
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
