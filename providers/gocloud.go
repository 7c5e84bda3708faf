package providers

import "github.com/roster-go/roster"

const gocloud = "gocloud.dev/"

// GoCloudBuckets has the blob stores of the Go Cloud Development Kit: the schemes
// for blob.OpenBucket.
func GoCloudBuckets() roster.Catalogue { return gocloudBuckets.catalogue() }

var gocloudBuckets = listing{
	name:     "gocloud-buckets",
	title:    "Go CDK buckets",
	owner:    gocloud + "blob",
	register: []string{"URLMux.RegisterBucket"},
	rows: []row{
		{"azblob", gocloud + "blob/azureblob", ""},
		{"file", gocloud + "blob/fileblob", ""},
		{"gs", gocloud + "blob/gcsblob", ""},
		{"mem", gocloud + "blob/memblob", forTests},
		{"s3", gocloud + "blob/s3blob", ""},
	},
}

// GoCloudTopics has the senders of the Go Cloud Development Kit: the schemes for
// pubsub.OpenTopic.
func GoCloudTopics() roster.Catalogue { return gocloudTopics.catalogue() }

var gocloudTopics = listing{
	name:     "gocloud-topics",
	title:    "Go CDK topics",
	owner:    gocloud + "pubsub",
	register: []string{"URLMux.RegisterTopic"},
	rows: []row{
		{"awssns", gocloud + "pubsub/awssnssqs", ""},
		{"awssqs", gocloud + "pubsub/awssnssqs", ""},
		{"azuresb", gocloud + "pubsub/azuresb", ""},
		{"gcppubsub", gocloud + "pubsub/gcppubsub", ""},
		{"gcppubsubv2", gocloud + "pubsub/gcppubsubv2", ""},
		{"mem", gocloud + "pubsub/mempubsub", forTests},
		{"rabbit", gocloud + "pubsub/rabbitpubsub", ""},
	},
}

// GoCloudSubscriptions has the receivers of the Go Cloud Development Kit: the
// schemes for pubsub.OpenSubscription.
func GoCloudSubscriptions() roster.Catalogue { return gocloudSubscriptions.catalogue() }

var gocloudSubscriptions = listing{
	name:     "gocloud-subscriptions",
	title:    "Go CDK subscriptions",
	owner:    gocloud + "pubsub",
	register: []string{"URLMux.RegisterSubscription"},
	rows: []row{
		{"awssqs", gocloud + "pubsub/awssnssqs", ""},
		{"azuresb", gocloud + "pubsub/azuresb", ""},
		{"gcppubsub", gocloud + "pubsub/gcppubsub", ""},
		{"gcppubsubv2", gocloud + "pubsub/gcppubsubv2", ""},
		{"mem", gocloud + "pubsub/mempubsub", forTests},
		{"rabbit", gocloud + "pubsub/rabbitpubsub", ""},
	},
}

// GoCloudKeepers has the keepers of secrets of the Go Cloud Development Kit: the
// schemes for secrets.OpenKeeper.
func GoCloudKeepers() roster.Catalogue { return gocloudKeepers.catalogue() }

var gocloudKeepers = listing{
	name:     "gocloud-keepers",
	title:    "Go CDK keepers of secrets",
	owner:    gocloud + "secrets",
	register: []string{"URLMux.RegisterKeeper"},
	rows: []row{
		{"awskms", gocloud + "secrets/awskms", ""},
		{"azurekeyvault", gocloud + "secrets/azurekeyvault", ""},
		{"base64key", gocloud + "secrets/localsecrets", "the key is in the URL"},
		{"gcpkms", gocloud + "secrets/gcpkms", ""},
	},
}

// GoCloudCollections has the document stores of the Go Cloud Development Kit: the
// schemes for docstore.OpenCollection.
func GoCloudCollections() roster.Catalogue { return gocloudCollections.catalogue() }

var gocloudCollections = listing{
	name:     "gocloud-collections",
	title:    "Go CDK collections",
	owner:    gocloud + "docstore",
	register: []string{"URLMux.RegisterCollection"},
	rows: []row{
		{"dynamodb", gocloud + "docstore/awsdynamodb/v2", ""},
		{"firestore", gocloud + "docstore/gcpfirestore", ""},
		{"mem", gocloud + "docstore/memdocstore", forTests},
	},
}

// GoCloudVariables has the sources of runtime variables of the Go Cloud
// Development Kit: the schemes for runtimevar.OpenVariable.
func GoCloudVariables() roster.Catalogue { return gocloudVariables.catalogue() }

var gocloudVariables = listing{
	name:     "gocloud-variables",
	title:    "Go CDK runtime variables",
	owner:    gocloud + "runtimevar",
	register: []string{"URLMux.RegisterVariable"},
	rows: []row{
		{"awsparamstore", gocloud + "runtimevar/awsparamstore", ""},
		{"awssecretsmanager", gocloud + "runtimevar/awssecretsmanager", ""},
		{"blob", gocloud + "runtimevar/blobvar", ""},
		{"constant", gocloud + "runtimevar/constantvar", ""},
		{"file", gocloud + "runtimevar/filevar", ""},
		{"gcpruntimeconfig", gocloud + "runtimevar/gcpruntimeconfig", ""},
		{"gcpsecretmanager", gocloud + "runtimevar/gcpsecretmanager", ""},
		{"http", gocloud + "runtimevar/httpvar", ""},
		{"https", gocloud + "runtimevar/httpvar", ""},
	},
}
