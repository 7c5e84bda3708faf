package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

type remoteConfig struct {
	Address  string            `json:"address"`
	Database int               `json:"database"`
	Retries  uint8             `json:"retries"`
	TLS      bool              `json:"tls"`
	Labels   map[string]string `json:"labels"`
	Replicas []struct {
		Address string  `json:"address"`
		Weight  float64 `json:"weight"`
	} `json:"replicas"`
}

var remoteJSON = []byte(`{"address": "db.test:5432", "database": 7, "retries": 3, "tls": true, "labels": {"team": "orders", "tier": "1"},
	"replicas": [{"address": "a.test:5432", "weight": 1.5}, {"address": "b.test:5432", "weight": 0.5}]}`)

// What it costs to decode strictly: encoding/json tells the first unknown field.
func BenchmarkFactoryJSON(b *testing.B) {
	b.Run("encoding json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var c remoteConfig
			d := json.NewDecoder(bytes.NewReader(remoteJSON))
			d.DisallowUnknownFields()
			if err := d.Decode(&c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("roster", func(b *testing.B) {
		b.ReportAllocs()
		r := roster.New[*factory.Factory[time.Duration]](roster.Unlisted())
		factory.Register(r, "remote", func(context.Context, remoteConfig) (time.Duration, error) { return 1, nil })
		for b.Loop() {
			if _, err := factory.FromJSON(context.Background(), r, "remote", remoteJSON); err != nil {
				b.Fatal(err)
			}
		}
	})
}
