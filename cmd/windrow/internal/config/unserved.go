package config

// What the contract names and this build does not serve is refused by name,
// so that nobody believes a setting is in force that is not.

var unservedSinks = []string{"gs", "s3"}
