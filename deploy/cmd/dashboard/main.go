// Command dashboard writes the dashboard for Grafana anew from the list of metrics. Run it by go generate
// in the folder deploy.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/roster-go/roster/deploy"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func write() error {
	metrics, err := deploy.ReadMetrics(filepath.Join("..", filepath.FromSlash(deploy.MetricsList)))
	if err != nil {
		return fmt.Errorf("run it in the folder deploy: %w", err)
	}
	text, err := deploy.Dashboard(metrics)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.FromSlash(deploy.DashboardFile), text, 0o644); err != nil { //nolint:gosec // it is for everybody
		return fmt.Errorf("write the dashboard: %w", err)
	}
	return nil
}
