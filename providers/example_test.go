package providers_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/providers"
)

// show prints who provides a name, the recommended package first.
func show(c roster.Catalogue, name string) {
	for _, p := range c[name] {
		fmt.Printf("%s: import _ %q", name, p.Import)
		if p.Note != "" {
			fmt.Printf(" // %s", p.Note)
		}
		fmt.Println()
	}
}

func ExampleSQLDrivers() {
	show(providers.SQLDrivers(), "sqlite3")
	// Output:
	// sqlite3: import _ "github.com/ncruces/go-sqlite3/driver" // SQLite without cgo
	// sqlite3: import _ "github.com/mattn/go-sqlite3" // needs cgo
	// sqlite3: import _ "github.com/mutecomm/go-sqlcipher/v4" // SQLite with encryption; needs cgo
}

func ExampleImageFormats() {
	show(providers.ImageFormats(), "webp")
	// Output:
	// webp: import _ "golang.org/x/image/webp" // decodes only
	// webp: import _ "github.com/gen2brain/webp" // encodes, too
}

func ExampleCryptoHashes() {
	show(providers.CryptoHashes(), "SHA-256")
	// Output: SHA-256: import _ "crypto/sha256"
}

func ExampleHTTPPatterns() {
	fmt.Println(slices.Sorted(maps.Keys(providers.HTTPPatterns()))[:3])
	// Output: [/debug/events /debug/requests GET /debug/pprof/]
}

func ExampleTimeZones() {
	fmt.Println(providers.TimeZones()["Europe/Berlin"][0].Import)
	// Output: time/tzdata
}

func ExampleGRPCCompressors() {
	show(providers.GRPCCompressors(), "gzip")
	// Output: gzip: import _ "google.golang.org/grpc/encoding/gzip"
}

func ExampleGRPCResolvers() {
	show(providers.GRPCResolvers(), "xds")
	// Output: xds: import _ "google.golang.org/grpc/xds"
}

func ExampleProtobufMessages() {
	show(providers.ProtobufMessages(), "google.rpc.ErrorInfo")
	// Output: google.rpc.ErrorInfo: import _ "google.golang.org/genproto/googleapis/rpc/errdetails"
}

func ExampleMigrateDatabases() {
	show(providers.MigrateDatabases(), "postgres")
	// Output: postgres: import _ "github.com/golang-migrate/migrate/v4/database/postgres"
}

func ExampleGoCloudBuckets() {
	fmt.Println(slices.Sorted(maps.Keys(providers.GoCloudBuckets())))
	// Output: [azblob file gs mem s3]
}

func ExampleCaddyModules() {
	show(providers.CaddyModules(), "http.encoders.gzip")
	// Output: http.encoders.gzip: import _ "github.com/caddyserver/caddy/v2/modules/caddyhttp/encode/gzip"
}

func ExampleCoreDNSPlugins() {
	show(providers.CoreDNSPlugins(), "forward")
	// Output: forward: import _ "github.com/coredns/coredns/plugin/forward"
}

// A linter has the package that a program calls, and asks which registries it owns.
func ExampleAll() {
	for _, r := range providers.All() {
		if r.Package == "google.golang.org/grpc/encoding" {
			fmt.Println(r.Title, r.Register, len(r.Catalogue) > 0)
		}
	}
	// Output:
	// gRPC codecs [RegisterCodec RegisterCodecV2] true
	// gRPC compressors [RegisterCompressor] true
}
