package deploy

import (
	"slices"
	"testing"
)

func TestMetricsOfAnExpression(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`up{job="roster"} == 0`: {"up"},
		`absent(up{job="a{b"})`: {"up"},
		`sum by (job, name) (increase(a_total{outcome="miss"}[15m] offset 5m)) / 15 > 1e3`: {"a_total"},
		`a unless on (job) b or c and ignoring(x) group_left(y) d`:                         {"a", "b", "c", "d"},
		`histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))`:         {"a_bucket"},
		`time() - process_start_time_seconds > 15 * 60 and a:b > bool 1`:                   {"process_start_time_seconds", "a:b"},
		`a + a`: {"a"},
		`1 + 2`: nil,
	} {
		if got := metricsOf(expression); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
}
