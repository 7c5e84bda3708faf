package providers

import "github.com/roster-go/roster"

const (
	bleve         = "github.com/blevesearch/bleve/v2/"
	bleveAnalysis = bleve + "analysis/"
	bleveRegistry = "github.com/blevesearch/bleve/v2/registry"
)

// BleveAnalyzers has the analyzers that a mapping of the search library Bleve names.
func BleveAnalyzers() roster.Catalogue { return bleveAnalyzers.catalogue() }

var bleveAnalyzers = listing{
	name:     "bleve-analyzers",
	title:    "Bleve analyzers",
	owner:    bleveRegistry,
	register: []string{"RegisterAnalyzer"},
	rows: []row{
		{"ar", bleveAnalysis + "lang/ar", ""},
		{"cjk", bleveAnalysis + "lang/cjk", ""},
		{"ckb", bleveAnalysis + "lang/ckb", ""},
		{"custom", bleveAnalysis + "analyzer/custom", ""},
		{"da", bleveAnalysis + "lang/da", ""},
		{"de", bleveAnalysis + "lang/de", ""},
		{"en", bleveAnalysis + "lang/en", ""},
		{"es", bleveAnalysis + "lang/es", ""},
		{"fa", bleveAnalysis + "lang/fa", ""},
		{"fi", bleveAnalysis + "lang/fi", ""},
		{"fr", bleveAnalysis + "lang/fr", ""},
		{"hi", bleveAnalysis + "lang/hi", ""},
		{"hr", bleveAnalysis + "lang/hr", ""},
		{"hu", bleveAnalysis + "lang/hu", ""},
		{"it", bleveAnalysis + "lang/it", ""},
		{"keyword", bleveAnalysis + "analyzer/keyword", ""},
		{"nl", bleveAnalysis + "lang/nl", ""},
		{"no", bleveAnalysis + "lang/no", ""},
		{"pl", bleveAnalysis + "lang/pl", ""},
		{"pt", bleveAnalysis + "lang/pt", ""},
		{"ro", bleveAnalysis + "lang/ro", ""},
		{"ru", bleveAnalysis + "lang/ru", ""},
		{"simple", bleveAnalysis + "analyzer/simple", ""},
		{"standard", bleveAnalysis + "analyzer/standard", ""},
		{"sv", bleveAnalysis + "lang/sv", ""},
		{"tr", bleveAnalysis + "lang/tr", ""},
		{"web", bleveAnalysis + "analyzer/web", ""},
	},
}

// BleveTokenizers has the tokenizers that a custom analyzer of Bleve names.
func BleveTokenizers() roster.Catalogue { return bleveTokenizers.catalogue() }

var bleveTokenizers = listing{
	name:     "bleve-tokenizers",
	title:    "Bleve tokenizers",
	owner:    bleveRegistry,
	register: []string{"RegisterTokenizer"},
	rows: []row{
		{"exception", bleveAnalysis + "tokenizer/exception", ""},
		{"letter", bleveAnalysis + "tokenizer/letter", ""},
		{"regexp", bleveAnalysis + "tokenizer/regexp", ""},
		{"single", bleveAnalysis + "tokenizer/single", ""},
		{"unicode", bleveAnalysis + "tokenizer/unicode", ""},
		{"web", bleveAnalysis + "tokenizer/web", ""},
		{"whitespace", bleveAnalysis + "tokenizer/whitespace", ""},
	},
}

// BleveCharFilters has the character filters that a custom analyzer of Bleve names.
func BleveCharFilters() roster.Catalogue { return bleveCharFilters.catalogue() }

var bleveCharFilters = listing{
	name:     "bleve-char-filters",
	title:    "Bleve character filters",
	owner:    bleveRegistry,
	register: []string{"RegisterCharFilter"},
	rows: []row{
		{"asciifolding", bleveAnalysis + "char/asciifolding", ""},
		{"html", bleveAnalysis + "char/html", ""},
		{"regexp", bleveAnalysis + "char/regexp", ""},
		{"zero_width_spaces", bleveAnalysis + "char/zerowidthnonjoiner", ""},
	},
}

// BleveDateParsers has the parsers of date fields that a mapping of Bleve names.
func BleveDateParsers() roster.Catalogue { return bleveDateParsers.catalogue() }

var bleveDateParsers = listing{
	name:     "bleve-date-parsers",
	title:    "Bleve date parsers",
	owner:    bleveRegistry,
	register: []string{"RegisterDateTimeParser"},
	rows: []row{
		{"dateTimeOptional", bleveAnalysis + "datetime/optional", ""},
		{"flexiblego", bleveAnalysis + "datetime/flexible", ""},
		{"isostyle", bleveAnalysis + "datetime/iso", ""},
		{"percentstyle", bleveAnalysis + "datetime/percent", ""},
		{"sanitizedgo", bleveAnalysis + "datetime/sanitized", ""},
		{"unix_micro", bleveAnalysis + "datetime/timestamp/microseconds", ""},
		{"unix_milli", bleveAnalysis + "datetime/timestamp/milliseconds", ""},
		{"unix_nano", bleveAnalysis + "datetime/timestamp/nanoseconds", ""},
		{"unix_sec", bleveAnalysis + "datetime/timestamp/seconds", ""},
	},
}

// BleveIndexes has the index types of Bleve.
func BleveIndexes() roster.Catalogue { return bleveIndexes.catalogue() }

var bleveIndexes = listing{
	name:     "bleve-indexes",
	title:    "Bleve index types",
	owner:    bleveRegistry,
	register: []string{"RegisterIndexType"},
	rows: []row{
		{"scorch", bleve + "index/scorch", ""},
		{"upside_down", bleve + "index/upsidedown", "superseded by scorch"},
	},
}

// BleveStores has the key-value stores for an index of type upside_down.
func BleveStores() roster.Catalogue { return bleveStores.catalogue() }

var bleveStores = listing{
	name:     "bleve-stores",
	title:    "Bleve key-value stores",
	owner:    bleveRegistry,
	register: []string{"RegisterKVStore"},
	rows: []row{
		{"boltdb", bleve + "index/upsidedown/store/boltdb", ""},
		{"goleveldb", bleve + "index/upsidedown/store/goleveldb", ""},
		{"gtreap", bleve + "index/upsidedown/store/gtreap", "in memory"},
		{"metrics", bleve + "index/upsidedown/store/metrics", "counts the calls of another store"},
		{"moss", bleve + "index/upsidedown/store/moss", ""},
		{"null", bleve + "index/upsidedown/store/null", "keeps nothing: for benchmarks"},
	},
}
