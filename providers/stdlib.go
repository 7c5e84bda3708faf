package providers

import (
	_ "embed" // for go:embed
	"strings"

	"github.com/roster-go/roster"
)

// ImageFormats has the formats of package image: the names that image.Decode
// and image.DecodeConfig return. Every format that is linked in is open to
// whatever the program decodes.
func ImageFormats() roster.Catalogue { return imageFormats.catalogue() }

var imageFormats = listing{
	name:     "image-formats",
	title:    "image formats",
	owner:    "image",
	register: []string{"RegisterFormat"},
	rows: []row{
		{"avif", "github.com/gen2brain/avif", ""},
		{"bmp", "golang.org/x/image/bmp", ""},
		{"gif", "image/gif", ""},
		{"jpeg", "image/jpeg", ""},
		{"png", "image/png", ""},
		{"tiff", "golang.org/x/image/tiff", ""},
		{"webp", "golang.org/x/image/webp", "decodes only"},
		{"webp", "github.com/gen2brain/webp", "encodes, too"},
	},
}

// CryptoHashes has the hash functions of package crypto, by the name that
// crypto.Hash.String returns. New of a hash function that is not linked in
// panics.
func CryptoHashes() roster.Catalogue { return cryptoHashes.catalogue() }

var cryptoHashes = listing{
	name:     "crypto-hashes",
	title:    "hash functions of package crypto",
	owner:    "crypto",
	register: []string{"RegisterHash"},
	rows: []row{
		{"BLAKE2b-256", "golang.org/x/crypto/blake2b", ""},
		{"BLAKE2b-384", "golang.org/x/crypto/blake2b", ""},
		{"BLAKE2b-512", "golang.org/x/crypto/blake2b", ""},
		{"BLAKE2s-256", "golang.org/x/crypto/blake2s", ""},
		{"MD4", "golang.org/x/crypto/md4", "broken: for old protocols only"},
		{"MD5", "crypto/md5", "broken: for old protocols only"},
		{"RIPEMD-160", "golang.org/x/crypto/ripemd160", "outdated: for old protocols only"},
		{"SHA-1", "crypto/sha1", "broken: for old protocols only"},
		{"SHA-224", "crypto/sha256", ""},
		{"SHA-256", "crypto/sha256", ""},
		{"SHA-384", "crypto/sha512", ""},
		{"SHA-512", "crypto/sha512", ""},
		{"SHA-512/224", "crypto/sha512", ""},
		{"SHA-512/256", "crypto/sha512", ""},
		{"SHA3-224", "crypto/sha3", ""},
		{"SHA3-256", "crypto/sha3", ""},
		{"SHA3-384", "crypto/sha3", ""},
		{"SHA3-512", "crypto/sha3", ""},
	},
}

// HTTPPatterns has the patterns that packages add to http.DefaultServeMux. They
// are open to everybody who reaches a server without a handler of its own. The
// patterns are those of a program whose go.mod says go 1.22 or later.
func HTTPPatterns() roster.Catalogue { return httpPatterns.catalogue() }

const pprof = "net/http/pprof"

var httpPatterns = listing{
	name:     "http-patterns",
	title:    "patterns of http.DefaultServeMux",
	owner:    "net/http",
	register: []string{"Handle", "HandleFunc", "ServeMux.Handle", "ServeMux.HandleFunc"},
	rows: []row{
		{"/debug/events", "golang.org/x/net/trace", ""},
		{"/debug/requests", "golang.org/x/net/trace", ""},
		{"GET /debug/pprof/", pprof, ""},
		{"GET /debug/pprof/cmdline", pprof, "shows the program's arguments"},
		{"GET /debug/pprof/profile", pprof, ""},
		{"GET /debug/pprof/symbol", pprof, ""},
		{"GET /debug/pprof/trace", pprof, ""},
		{"GET /debug/vars", "expvar", "shows the program's arguments"},
	},
}

// TimeZones has the names for time.LoadLocation. A system with zone files needs
// no package for them.
func TimeZones() roster.Catalogue { return timeZones.catalogue() }

// timeZones has no function to register with: time/tzdata reaches package time
// through the linker.
var timeZones = listing{
	name:  "time-zones",
	title: "time zones",
	owner: "time",
	more: func() []row {
		var rows []row
		for name := range strings.FieldsSeq(zones) {
			rows = append(rows, row{name, "time/tzdata", "not needed where the system has zone files; about 450 kB"})
		}
		return rows
	},
}

//go:embed zones.txt
var zones string
