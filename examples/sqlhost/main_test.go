package main

import (
	"strings"
	"testing"
)

func TestHostAloneHasNoDrivers(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil || out.String() != "drivers:\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	err := run(t.Context(), []string{"postgres", "", "select 1"}, &out)
	if err == nil || !strings.Contains(err.Error(), `unknown driver "postgres"`) {
		t.Errorf("got %v", err)
	}
}
