package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// BenchmarkPluginStart takes a plugin from nothing to its first answer, and ends it.
func BenchmarkPluginStart(b *testing.B) {
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	request := &pluginv1.CallRequest{Capability: echo, Input: payload}
	for _, mutual := range []bool{false, true} {
		name := "go-plugin"
		if mutual {
			name += " with AutoMTLS"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(program)
				cmd.Env = append(os.Environ(), roleVariable+"=go-plugin")
				client := goplugin.NewClient(&goplugin.ClientConfig{
					HandshakeConfig: handshake, Plugins: goplugin.PluginSet{echo: &echoPlugin{}}, Cmd: cmd, AutoMTLS: mutual,
					AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
				})
				protocol, err := client.Client()
				if err != nil {
					b.Fatal(err)
				}
				dispensed, err := protocol.Dispense(echo)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := dispensed.(pluginv1.FunctionServiceClient).Call(context.Background(), request); err != nil {
					b.Fatal(err)
				}
				b.StopTimer() // how they end is not compared
				client.Kill()
				b.StartTimer()
			}
		})
	}
	for name, sandbox := range map[string]plugin.Sandbox{"roster": {}, "roster confined": plugin.Confined()} {
		b.Run(name, func(b *testing.B) {
			host, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()})
			if err != nil {
				b.Fatal(err)
			}
			defer host.Close(context.Background())
			d := plugin.Descriptor{
				Name: "bench", APIVersion: "v1", Command: []string{program}, Capabilities: []plugin.Capability{{Name: echo}}, Sandbox: sandbox,
			}
			for b.Loop() {
				if err := host.Add(context.Background(), d); err != nil {
					b.Fatal(err)
				}
				if _, err := host.Call(context.Background(), echo, payload); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := host.Remove(context.Background(), "bench"); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkHundredPlugins runs a hundred plugins on one host: how long they take to start
// side by side, and what memory they and the host hold then.
func BenchmarkHundredPlugins(b *testing.B) {
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	const plugins = 100
	for b.Loop() {
		host, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()})
		if err != nil {
			b.Fatal(err)
		}
		before := resident(b, os.Getpid())
		results := make(chan error, plugins)
		for i := range plugins {
			go func() {
				results <- host.Add(context.Background(), plugin.Descriptor{
					Name: fmt.Sprint("bench", i), APIVersion: "v1", Command: []string{program}, Capabilities: []plugin.Capability{{Name: echo}},
				})
			}()
		}
		for range plugins {
			if err := <-results; err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		for range 10 * plugins {
			if _, err := host.Call(context.Background(), echo, payload); err != nil {
				b.Fatal(err)
			}
		}
		total := 0.0
		for _, s := range host.Plugins() {
			total += resident(b, s.PID)
		}
		b.ReportMetric((resident(b, os.Getpid())-before)/plugins, "host-MiB/plugin")
		b.ReportMetric(total/plugins, "MiB/plugin")
		if err := host.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// resident is the memory that a process holds, in MiB; 0 where the system does not tell.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1024
		}
	}
	return 0
}
