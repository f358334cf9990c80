"""What may be said in a model file or a policy pack, how it is loaded, and how measurements are judged."""
