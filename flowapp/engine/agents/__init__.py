"""AI agent steps: a conversation with a model whose tools are modules of the flow.

Every turn of the model and every call of a tool is recorded under the agent's path when it ends (`agent/0:model`,
`agent/1:search`, …): a run that begins again has the conversation up to there, and asks or calls nothing a second time.
"""
