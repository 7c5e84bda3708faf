package replica_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/roster-go/roster/replica"
)

func BenchmarkMerge(b *testing.B) {
	base := replica.Entry{Key: "orders/1"}.Put("us", make([]byte, 256))
	newer, concurrent := base.Put("us", make([]byte, 256)), base.Put("eu", make([]byte, 256))
	for name, other := range map[string]replica.Entry{"newer": newer, "concurrent": concurrent, "equal": base} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			against := base
			if name == "concurrent" {
				against = newer
			}
			for b.Loop() {
				replica.Merge(against, other)
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	value := make([]byte, 256)
	b.Run("entry", func(b *testing.B) {
		b.ReportAllocs()
		e := replica.Entry{Key: "orders/1"}
		for b.Loop() {
			e = e.Put("us", value)
		}
	})
	b.Run("encoded", func(b *testing.B) {
		b.ReportAllocs()
		e := replica.Entry{Key: "orders/1"}
		for b.Loop() {
			e = e.Put("us", value)
			if _, err := e.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	entries := make([]replica.Entry, 10_000)
	for n := range entries {
		entries[n] = replica.Entry{Key: "orders/" + strconv.Itoa(n)}.Put("us", make([]byte, 256))
	}
	b.ReportAllocs()
	for b.Loop() {
		replica.Digest(slices.Values(entries))
	}
}

func BenchmarkReceive(b *testing.B) {
	const entries = 1000
	us, eu := replica.New("us", "eu"), replica.New("eu", "us")
	for n := range entries {
		if _, err := us.Put("orders/"+strconv.Itoa(n), make([]byte, 256)); err != nil {
			b.Fatal(err)
		}
	}
	batch, err := us.Batch(0, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := eu.Clone().Receive(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
}
